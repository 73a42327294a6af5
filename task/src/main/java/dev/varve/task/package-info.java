/// The task manager: starts, orders, restarts, stops and reports all background work.
///
/// ```
/// TaskManager = Task*                  what exists, what ended badly of late
/// Task        = TaskSpec TaskState     WAITING -> RUNNING -> (DONE | FAILED | CANCELLED)
///                                      and, when it runs again: SCHEDULED, IDLE, BACKING_OFF
/// TaskSpec    = TaskKind name lane? Repeat Backoff? TaskBody
/// Repeat      = Once | Every(period) | OnDemand
/// Lane        = tasks of one name, one at a time, first come first served
/// ```
///
/// Exclusion is an ordering here: what must not happen together goes into one lane. Which threads
/// run a task follows from its kind. Threads and clock are behind {@link
/// dev.varve.task.TaskThreads}: a server uses {@link dev.varve.task.RealThreads}; a simulation uses
/// {@link dev.varve.task.SteppedThreads}, where the same code runs step by step in an order that a
/// seed decides.
///
/// This package knows nothing of what the tasks do, and uses nothing but the JDK.
@NullMarked
package dev.varve.task;

import org.jspecify.annotations.NullMarked;
