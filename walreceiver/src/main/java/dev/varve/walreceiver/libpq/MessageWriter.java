package dev.varve.walreceiver.libpq;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.locks.ReentrantLock;

/// Sends messages, each whole; any thread may.
final class MessageWriter {

  private static final byte[] TERMINATE = {'X', 0, 0, 0, 4};

  private final OutputStream out;
  private final ReentrantLock lock = new ReentrantLock();

  MessageWriter(OutputStream out) {
    this.out = out;
  }

  /// A message with a type letter.
  void send(char type, byte[] fields) throws IOException {
    ByteBuffer message = ByteBuffer.allocate(5 + fields.length);
    write(message.put((byte) type).putInt(4 + fields.length).put(fields).array());
  }

  /// The messages that begin a connection: a length, and no type.
  void sendUntyped(byte[] fields) throws IOException {
    ByteBuffer message = ByteBuffer.allocate(4 + fields.length);
    write(message.putInt(4 + fields.length).put(fields).array());
  }

  private void write(byte[] message) throws IOException {
    lock.lock();
    try {
      out.write(message);
      out.flush();
    } finally {
      lock.unlock();
    }
  }

  /// Says that we go, so that the server need not log that we vanished; unless someone is sending,
  /// who may be stuck.
  void farewell() throws IOException {
    if (lock.tryLock()) {
      try {
        out.write(TERMINATE);
        out.flush();
      } finally {
        lock.unlock();
      }
    }
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
