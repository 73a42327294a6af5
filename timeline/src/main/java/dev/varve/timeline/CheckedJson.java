package dev.varve.timeline;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
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

  private CheckedJson() {}

  static ObjectNode object() {
    return MAPPER.createObjectNode();
  }

  static byte[] bytes(ObjectNode content) {
    ObjectNode whole = object();
    whole.put("crc32c", checksum(content));
    whole.set("content", content);
    byte[] json = MAPPER.writeValueAsBytes(whole);
    byte[] line = Arrays.copyOf(json, json.length + 1);
    line[json.length] = END;
    return line;
  }

  private static String checksum(JsonNode content) {
    var crc = new CRC32C();
    crc.update(MAPPER.writeValueAsBytes(content));
    return HexFormat.of().toHexDigits((int) crc.getValue());
  }

  /// Whether a crash came before this file was written: its end is missing. Damage to a file that
  /// was whole once is something else, even if it is the end that is damaged.
  static boolean isUnfinished(Path file) throws IOException {
    byte[] bytes = allOf(file);
    int last = bytes.length - 1;
    return last < 0 || (bytes[last] != END && contentOf(Arrays.copyOf(bytes, last)) == null);
  }

  /// @throws IOException when the file can't be read, or is not what was written
  static JsonNode read(Path file) throws IOException {
    JsonNode content = contentOf(allOf(file));
    if (content == null) {
      throw new IOException(file + " is damaged: its checksum is wrong");
    }
    return content;
  }

  private static byte[] allOf(Path file) throws IOException {
    if (Files.size(file) > MOST_BYTES) {
      throw new IOException(file + " is damaged: it is too large");
    }
    return Files.readAllBytes(file);
  }

  /// @return null when it is not what was written
  private static @Nullable JsonNode contentOf(byte[] bytes) {
    try {
      JsonNode whole = MAPPER.readTree(bytes);
      JsonNode content = whole.path("content");
      boolean agrees = whole.path("crc32c").asString("").equals(checksum(content));
      return content.isObject() && agrees ? content : null;
    } catch (JacksonException _) {
      return null;
    }
  }
}
