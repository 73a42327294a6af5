/// The page service: libpq's protocol, and the page stream inside it.
///
/// A connection is one {@link dev.varve.server.page.Session}, on its own virtual thread: it reads a
/// message, answers it, and reads the next. {@link dev.varve.server.page.FrontendReader} and {@link
/// dev.varve.server.page.BackendWriter} know libpq's framing; {@link
/// dev.varve.server.page.PageStream} the requests within a `pagestream` command.
@NullMarked
package dev.varve.server.page;

import org.jspecify.annotations.NullMarked;
