package dev.varve.remote;

import java.time.Instant;
import java.util.OptionalInt;

/// What a store says of an object.
///
/// @param size in bytes
/// @param etag changes when the content does; opaque, for {@link PutCondition.IfMatches}
/// @param modified when it was put, by the store's clock
/// @param crc32c of the whole content, if Varve wrote the object; a list never has it
public record ObjectState(
    ObjectName name, long size, String etag, Instant modified, OptionalInt crc32c) {

  public ObjectState {
    if (size < 0) {
      throw new IllegalArgumentException(name + " has a size of " + size);
    }
  }
}
