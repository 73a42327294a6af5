package dev.varve.timeline;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.zip.CRC32C;
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
/// in their order.
final class CheckedJson {

  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  /// More than any index part has; what is larger is not read.
  private static final long MOST_BYTES = 1L << 30;

  private CheckedJson() {}

  static ObjectNode object() {
    return MAPPER.createObjectNode();
  }

  static byte[] bytes(ObjectNode content) {
    ObjectNode whole = object();
    whole.put("crc32c", checksum(content));
    whole.set("content", content);
    return MAPPER.writeValueAsBytes(whole);
  }

  private static String checksum(JsonNode content) {
    var crc = new CRC32C();
    crc.update(MAPPER.writeValueAsBytes(content));
    return HexFormat.of().toHexDigits((int) crc.getValue());
  }

  /// @throws IOException when the file can't be read, or is not what was written
  static JsonNode read(Path file) throws IOException {
    if (Files.size(file) > MOST_BYTES) {
      throw new IOException(file + " is damaged: it is too large");
    }
    JsonNode whole;
    try {
      whole = MAPPER.readTree(Files.readAllBytes(file));
    } catch (JacksonException e) {
      throw new IOException(file + " is damaged: " + e.getOriginalMessage(), e);
    }
    JsonNode content = whole.path("content");
    if (!content.isObject() || !whole.path("crc32c").asString("").equals(checksum(content))) {
      throw new IOException(file + " is damaged: its checksum is wrong");
    }
    return content;
  }
}
