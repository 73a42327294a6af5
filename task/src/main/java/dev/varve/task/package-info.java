/// The task manager: starts, orders, restarts, stops and reports all background work.
@NullMarked
package dev.varve.task;

import org.jspecify.annotations.NullMarked;
