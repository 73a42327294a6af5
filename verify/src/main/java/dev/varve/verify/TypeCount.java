package dev.varve.verify;

/// What was found for one record type.
///
/// @param type resource manager and type, as pg_waldump prints them
/// @param seen records
/// @param checked blocks compared with the image that `wal_consistency_checking` put into the
///   record
/// @param images blocks whose full-page image was compared with what redo had built so far
/// @param mismatched blocks that were not as the record says
/// @param unknown blocks for which there is no redo
/// @param unchecked blocks that nothing in the log could be compared with: changed, or given as a
///   full-page image by a record that does not say the rest
public record TypeCount(
    String type,
    long seen,
    long checked,
    long images,
    long mismatched,
    long unknown,
    long unchecked) {

  /// The sum of both, under the name of this one.
  public TypeCount plus(TypeCount other) {
    return new TypeCount(
        type,
        seen + other.seen,
        checked + other.checked,
        images + other.images,
        mismatched + other.mismatched,
        unknown + other.unknown,
        unchecked + other.unchecked);
  }
}
