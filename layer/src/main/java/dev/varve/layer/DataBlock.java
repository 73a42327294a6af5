package dev.varve.layer;

final class DataBlock {
  private DataBlock() {}
}
