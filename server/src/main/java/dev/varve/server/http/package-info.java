/// The HTTP API: the RFC's routes as far as they exist, and what the `varve` command needs beyond.
///
/// {@link dev.varve.server.http.HttpApi} lists the routes; {@link dev.varve.server.http.Router}
/// matches them and turns failures into answers. Bodies are JSON, errors are `{"msg": "..."}`.
@NullMarked
package dev.varve.server.http;

import org.jspecify.annotations.NullMarked;
