/// A disk in memory, for tests and simulations: it fails on demand, and when it crashes it loses
/// what was not synced, as disks do. It is a {@link java.nio.file.FileSystem}, so that the code
/// under test needs no seam: it is given another path.
@NullMarked
package dev.varve.testkit.disk;

import org.jspecify.annotations.NullMarked;
