package dev.varve.layer;

/// What is in a block.
enum BlockKind {
  DATA(1),
  FILTER(2),
  LEAF(3),
  ROOT(4);

  private final int code;

  BlockKind(int code) {
    this.code = code;
  }

  /// What stands for it in a file.
  int code() {
    return code;
  }
}
