package dev.varve.timeline;

import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/// What a failure says to people. The Java library's own failures of the file system have only the
/// file's name as their message.
final class FailureText {

  private FailureText() {}

  static String of(Throwable failure) {
    return switch (failure) {
      case AccessDeniedException e when e.getReason() == null ->
          "no permission for "
              + e.getFile()
              + ": this server's user must be able to read and write it";
      case NoSuchFileException e when e.getReason() == null -> e.getFile() + " is missing";
      case DirectoryNotEmptyException e -> "directory " + e.getFile() + " is not empty";
      case FileAlreadyExistsException e when e.getReason() == null ->
          e.getFile() + " is there already";
      case NotDirectoryException e -> e.getFile() + " is no directory";
      case FileSystemException e when e.getReason() == null -> e.toString();
      default -> failure.getMessage() == null ? failure.toString() : failure.getMessage();
    };
  }
}
