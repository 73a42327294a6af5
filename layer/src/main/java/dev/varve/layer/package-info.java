/// Layers: the open and frozen ones in memory, the immutable delta and image files on disk.
@NullMarked
package dev.varve.layer;

import org.jspecify.annotations.NullMarked;
