package dev.varve.timeline;

import dev.varve.layer.LayerName;

/// A layer file, as the index part names it.
///
/// @param bytes the file's size
/// @param crc CRC-32C of the whole file
record LayerEntry(LayerName name, long bytes, int crc) {}
