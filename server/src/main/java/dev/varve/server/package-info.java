/// The process: page service, HTTP API, configuration, and the wiring of all parts.
@NullMarked
package dev.varve.server;

import org.jspecify.annotations.NullMarked;
