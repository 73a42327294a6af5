package dev.varve.timeline;

/// Leads from a timeline to the one it was branched from, which may be loaded anew while its
/// branches stay as they are. Any thread may call any method.
final class AncestorLink {

  private volatile PageReader reader;

  AncestorLink(PageReader reader) {
    this.reader = reader;
  }

  PageReader reader() {
    return reader;
  }

  void set(PageReader newReader) {
    reader = newReader;
  }
}
