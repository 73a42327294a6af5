package dev.varve.remote;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// A part of a list of objects, in the order of their names.
///
/// @param foreign how many objects were left out because Varve would not have named them so
/// @param next to be given as `after` to get what follows; null when nothing does
public record ObjectPage(List<ObjectState> objects, int foreign, @Nullable String next) {

  public ObjectPage {
    objects = List.copyOf(objects);
  }
}
