/// An object store in a local directory, or one that several machines mount.
@NullMarked
package dev.varve.remote.directory;

import org.jspecify.annotations.NullMarked;
