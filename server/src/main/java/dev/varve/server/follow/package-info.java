/// Timelines that follow a server: which, by what slot, and how far they are.
@NullMarked
package dev.varve.server.follow;

import org.jspecify.annotations.NullMarked;
