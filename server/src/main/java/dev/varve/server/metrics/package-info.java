/// What the server tells a monitoring system about itself.
@NullMarked
package dev.varve.server.metrics;

import org.jspecify.annotations.NullMarked;
