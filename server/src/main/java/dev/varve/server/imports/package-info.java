/// Imports under way: of running servers, and of base backups on this machine's disk.
@NullMarked
package dev.varve.server.imports;

import org.jspecify.annotations.NullMarked;
