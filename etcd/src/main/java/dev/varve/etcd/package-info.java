/// What several nodes agree on, in etcd: who has which tenant, and who is alive.
///
/// | key, after the prefix            | value                          | lease    |
/// |----------------------------------|--------------------------------|----------|
/// | `/tenants/<tenant>/generation`   | generation, a space, the node  | none     |
/// | `/nodes/<node>/<lease, in hex>`  | the node                       | the node's |
///
/// A generation is never deleted: it must not begin again.
///
/// This is a module of its own because etcd's client brings gRPC and Netty, 21 MB of jars, which
/// whoever uses `remote` alone should not have to carry.
@NullMarked
package dev.varve.etcd;

import org.jspecify.annotations.NullMarked;
