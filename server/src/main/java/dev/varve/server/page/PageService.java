package dev.varve.server.page;

import dev.varve.server.Listener;
import dev.varve.timeline.Tenants;
import java.io.IOException;
import java.net.Socket;

/// Serves the connections of the page service.
public final class PageService implements Listener.Service {

  private final Tenants tenants;
  private final BackupSource backups;
  private final String refusal;

  /// @param refusal what a client is told when there are too many already
  public PageService(Tenants tenants, BackupSource backups, String refusal) {
    this.refusal = refusal;
    this.tenants = tenants;
    this.backups = backups;
  }

  @Override
  public void serve(Socket socket) throws IOException {
    new Session(socket, tenants, backups).serve();
  }

  @Override
  public void refuse(Socket socket) throws IOException {
    new Session(socket, tenants, backups).refuse(refusal);
  }
}
