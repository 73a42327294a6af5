/// Generations: which node may write a tenant's objects.
///
/// Each attach of a tenant gets a higher generation, and every object of the tenant has the
/// generation of its writer in its name. So a node that has lost a tenant overwrites nothing of the
/// one that has it now; and it deletes nothing, because before it does it asks whether its
/// generation is still the newest.
@NullMarked
package dev.varve.remote.generation;

import org.jspecify.annotations.NullMarked;
