package dev.varve.walreceiver.libpq;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/// Sends messages, each whole; any thread may.
final class MessageWriter {

  private final OutputStream out;

  MessageWriter(OutputStream out) {
    this.out = out;
  }

  /// A message with a type letter.
  synchronized void send(char type, byte[] fields) throws IOException {
    ByteBuffer message = ByteBuffer.allocate(5 + fields.length);
    message.put((byte) type).putInt(4 + fields.length).put(fields);
    out.write(message.array());
    out.flush();
  }

  /// The messages that begin a connection: a length, and no type.
  synchronized void sendUntyped(byte[] fields) throws IOException {
    ByteBuffer message = ByteBuffer.allocate(4 + fields.length);
    message.putInt(4 + fields.length).put(fields);
    out.write(message.array());
    out.flush();
  }

  /// Texts, each with the zero byte that ends it.
  static byte[] texts(String... texts) {
    var bytes = new ByteArrayOutputStream();
    for (String text : texts) {
      bytes.writeBytes(text.getBytes(StandardCharsets.UTF_8));
      bytes.write(0);
    }
    return bytes.toByteArray();
  }
}
