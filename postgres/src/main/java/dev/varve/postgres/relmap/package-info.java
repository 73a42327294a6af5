/// The relation map: where the catalogs that can't be found through catalogs are.
@NullMarked
package dev.varve.postgres.relmap;

import org.jspecify.annotations.NullMarked;
