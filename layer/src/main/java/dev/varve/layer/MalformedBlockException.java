package dev.varve.layer;

/// A block makes no sense. {@link LayerFile} knows where it is, and says so in a {@link
/// CorruptLayerException}.
final class MalformedBlockException extends Exception {

  private static final long serialVersionUID = 1L;

  MalformedBlockException(String finding) {
    super(finding);
  }
}
