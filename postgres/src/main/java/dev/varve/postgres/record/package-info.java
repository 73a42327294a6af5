/// What WAL records say that is not the change of a page: the payloads of commits, checkpoints and
/// their like.
@NullMarked
package dev.varve.postgres.record;

import org.jspecify.annotations.NullMarked;
