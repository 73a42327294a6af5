/// Page versions to a page: what each resource manager's records do, one class each. Pure.
@NullMarked
package dev.varve.redo;

import org.jspecify.annotations.NullMarked;
