/// Pages of relations: the header, the line pointers, the checksum, and what a page holds by its
/// looks.
@NullMarked
package dev.varve.postgres.page;

import org.jspecify.annotations.NullMarked;
