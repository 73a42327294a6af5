package dev.varve.timeline;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Small files of JSON that tell when they are not what was written:
///
/// ```
/// {"crc32c":"8 hex digits","content":{...}}
/// ```
///
/// The checksum is over the content's bytes as they are written here: without white space, members
/// in their order. A line feed, which no JSON of ours has elsewhere, says that all was written.
final class CheckedJson {

  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  /// More than any index part has; what is larger is not read.
  private static final long MOST_BYTES = 1L << 30;

  private static final byte END = '\n';

  /// Bytes before the content.
  private static final int BEFORE = before(new byte[0], 0, 0).length;

  private CheckedJson() {}

  static ObjectNode object() {
    return MAPPER.createObjectNode();
  }

  static byte[] bytes(ObjectNode content) {
    byte[] json = MAPPER.writeValueAsBytes(content);
    byte[] before = before(json, 0, json.length);
    byte[] whole = Arrays.copyOf(before, before.length + json.length + 2);
    System.arraycopy(json, 0, whole, before.length, json.length);
    whole[whole.length - 2] = '}';
    whole[whole.length - 1] = END;
    return whole;
  }

  /// What is written before the content, which says its checksum.
  private static byte[] before(byte[] bytes, int offset, int length) {
    var crc = new CRC32C();
    crc.update(bytes, offset, length);
    String digits = HexFormat.of().toHexDigits((int) crc.getValue());
    return ("{\"crc32c\":\"" + digits + "\",\"content\":").getBytes(US_ASCII);
  }

  /// Whether a crash came before this file was written: its end is missing. Damage to a file that
  /// was whole once is something else, even if it is the end that is damaged.
  static boolean isUnfinished(Path file) throws IOException {
    byte[] bytes = allOf(file);
    int last = bytes.length - 1;
    return last < 0 || (bytes[last] != END && contentOf(bytes, last) == null);
  }

  /// @throws IOException when the file can't be read, or is not what was written
  static JsonNode read(Path file) throws IOException {
    return read(allOf(file), file.toString());
  }

  /// The content of bytes that are not of a local file.
  ///
  /// @param source for the message
  /// @throws UnusableFileException when they are not what was written
  static JsonNode read(byte[] bytes, String source) throws UnusableFileException {
    int last = bytes.length - 1;
    // A line feed that is something else, or missing, is no harm.
    JsonNode content =
        last >= 0 && bytes[last] == '}' ? contentOf(bytes, last + 1) : contentOf(bytes, last);
    if (content == null) {
      throw new UnusableFileException(source + " is damaged: its checksum is wrong");
    }
    return content;
  }

  /// @param newest the newest format that is known
  /// @param source where the JSON is from, for the message
  /// @return its format
  static int requireFormat(JsonNode json, int newest, String source) throws UnusableFileException {
    int format = json.path("format").asInt(0);
    if (format < 1 || format > newest) {
      throw new UnusableFileException(
          source + " has format " + format + "; this version of Varve reads up to " + newest);
    }
    return format;
  }

  /// @throws IllegalArgumentException when there is no such text
  static String text(JsonNode json, String member) {
    String text = json.path(member).asString("");
    if (text.isEmpty()) {
      throw new IllegalArgumentException(member + " is missing");
    }
    return text;
  }

  /// Puts texts into an object, in the order of their names: what is equal has the same bytes.
  static void put(Map<String, String> texts, ObjectNode json) {
    new TreeMap<>(texts).forEach(json::put);
  }

  /// All members of an object, as texts.
  static Map<String, String> texts(JsonNode json) {
    Map<String, String> texts = new HashMap<>();
    json.properties().forEach(entry -> texts.put(entry.getKey(), entry.getValue().asString()));
    return texts;
  }

  private static byte[] allOf(Path file) throws IOException {
    if (Files.size(file) > MOST_BYTES) {
      throw new UnusableFileException(file + " is damaged: it is too large");
    }
    return Files.readAllBytes(file);
  }

  /// @param end after the last brace
  /// @return null when it is not what was written
  private static @Nullable JsonNode contentOf(byte[] bytes, int end) {
    int length = end - 1 - BEFORE;
    if (length < 0 || bytes[end - 1] != '}') {
      return null;
    }
    if (!Arrays.equals(bytes, 0, BEFORE, before(bytes, BEFORE, length), 0, BEFORE)) {
      return null;
    }
    try {
      JsonNode content = MAPPER.readTree(bytes, BEFORE, length);
      return content.isObject() ? content : null;
    } catch (JacksonException _) {
      return null;
    }
  }
}
