package dev.varve.layer;

/// The two kinds of layer files.
public enum LayerKind {

  /// All versions of some keys over a range of LSNs.
  DELTA(1),

  /// Whole values of some keys at one LSN.
  IMAGE(2);

  private final int code;

  LayerKind(int code) {
    this.code = code;
  }

  /// What stands for it in a file.
  int code() {
    return code;
  }
}
