package dev.varve.server.imports;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// One import: how far it is, and how it ended. Written by the thread that imports, read by any.
public final class ImportJob {

  private final String id;
  private final String name;
  private volatile long bytesDone;
  private volatile long bytesTotal;
  private volatile String phase = "connecting";
  private volatile boolean ended;
  private volatile @Nullable String error;
  private volatile List<String> warnings = List.of();

  ImportJob(String id, String name) {
    this.id = id;
    this.name = name;
  }

  public String id() {
    return id;
  }

  /// The name of the timeline that it makes.
  public String name() {
    return name;
  }

  public long bytesDone() {
    return bytesDone;
  }

  /// An estimate; 0 while there is none.
  public long bytesTotal() {
    return bytesTotal;
  }

  /// What it is at, for people.
  public String phase() {
    return phase;
  }

  public boolean ended() {
    return ended;
  }

  /// One sentence, when it ended badly.
  public Optional<String> error() {
    return Optional.ofNullable(error);
  }

  /// What the person should know of an import that ended well.
  public List<String> warnings() {
    return warnings;
  }

  void phase(String what) {
    phase = what;
  }

  void total(long bytes) {
    bytesTotal = bytes;
  }

  void progress(long bytes) {
    bytesDone = bytes;
  }

  void warn(List<String> sentences) {
    warnings = List.copyOf(sentences);
  }

  void done() {
    ended = true;
  }

  void failed(String sentence) {
    error = sentence;
    ended = true;
  }
}
