/// What a simulation does with the inside of timelines, as nobody else may.
@NullMarked
package dev.varve.timeline;

import org.jspecify.annotations.NullMarked;
