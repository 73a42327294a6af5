package dev.varve.timeline;

import dev.varve.layer.LayerKind;
import dev.varve.layer.LayerName;
import dev.varve.layer.LayerOwner;
import dev.varve.layer.RemoteLayer;
import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.remote.generation.Generation;

/// A layer file, as the index part names it.
///
/// @param bytes the file's size
/// @param crc CRC-32C of the whole file
/// @param level how often its versions were merged: 0 is a flushed layer; {@link #BOTTOM} are
///   images that were loaded, and layers below which there is no other
/// @param from keys below do not count any more: a merge has moved them to other files
/// @param generation the tenant's when the file was written: part of the name of its object. The
///   first ({@link Generation#NONE}) where there was no object store
public record LayerEntry(
    LayerName name, long bytes, int crc, int level, Key from, Generation generation) {

  /// The level of layers that hold all that is left of the versions before them.
  public static final int BOTTOM = 15;

  public LayerEntry {
    if (level < 0 || level > BOTTOM) {
      throw new IllegalArgumentException("no layer has level " + level);
    }
    if (from.compareTo(name.keys().start()) < 0 || from.compareTo(name.keys().end()) >= 0) {
      throw new IllegalArgumentException(name + " does not have key " + from);
    }
  }

  /// A file that was written just now.
  public static LayerEntry of(
      LayerName name, long bytes, int crc, int level, Generation generation) {
    return new LayerEntry(name, bytes, crc, level, name.keys().start(), generation);
  }

  /// The level of a layer of which the index part does not say it, as up to its format 1.
  public static int firstLevel(LayerName name) {
    return name.kind() == LayerKind.IMAGE ? BOTTOM : 0;
  }

  /// The layer as it is in the object store.
  RemoteLayer stored(LayerOwner owner) {
    return new RemoteLayer(owner, name, generation.value(), bytes);
  }

  /// The keys that count.
  public KeyRange keys() {
    return new KeyRange(from, name.keys().end());
  }

  /// Part of the file's bytes, about: what a merge has left of it is not known exactly.
  public LayerEntry withFrom(Key newFrom) {
    return new LayerEntry(name, bytes, crc, level, newFrom, generation);
  }
}
