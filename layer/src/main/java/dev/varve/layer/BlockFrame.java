package dev.varve.layer;

final class BlockFrame {
  private BlockFrame() {}
}
