/// Where a server keeps its tenants for good: which object store and which authority over
/// generations it is told to use, and opening them.
@NullMarked
package dev.varve.server.remote;

import org.jspecify.annotations.NullMarked;
