package dev.varve.layer;

final class IndexBlock {
  private IndexBlock() {}
}
