package dev.varve.walreceiver.libpq;

import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Optional;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/// Puts TLS over a socket, believing the server as far as the sslmode says.
final class Tls {

  private Tls() {}

  /// Shakes hands over a connected socket, on which the server has agreed to TLS.
  ///
  /// @throws ConnectionFailedException when the certificate is not good enough
  static SSLSocket over(Socket socket, ConnectionInfo info, ConnectionInfo.Host host)
      throws IOException {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(ours(info), trust(info), null);
      var tls =
          (SSLSocket)
              context.getSocketFactory().createSocket(socket, host.name(), host.port(), true);
      if (info.sslMode() == SslMode.VERIFY_FULL) {
        SSLParameters parameters = tls.getSSLParameters();
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        tls.setSSLParameters(parameters);
      }
      tls.startHandshake();
      return tls;
    } catch (SSLException e) {
      throw new ConnectionFailedException(
          "no TLS with %s (sslmode=%s): %s; check the server's certificate and sslrootcert"
              .formatted(host, info.sslMode(), e.getMessage()),
          e);
    } catch (GeneralSecurityException e) {
      throw new ConnectionFailedException("no TLS with " + host + ": " + e.getMessage(), e);
    }
  }

  /// The server's certificate after the handshake.
  static X509Certificate certificate(SSLSocket socket) throws IOException {
    Certificate first = socket.getSession().getPeerCertificates()[0];
    if (first instanceof X509Certificate certificate) {
      return certificate;
    }
    throw new ProtocolException("the server's certificate is not an X.509 certificate");
  }

  /// Null: we have no certificate, and the server must do without.
  private static KeyManager @Nullable [] ours(ConnectionInfo info) throws IOException {
    Optional<Path> certificate = info.sslCertificate();
    return certificate.isEmpty()
        ? null
        : new KeyManager[] {ClientCertificate.read(certificate.get(), info.sslKey())};
  }

  /// Null: Java's own trusted roots.
  private static TrustManager @Nullable [] trust(ConnectionInfo info)
      throws IOException, GeneralSecurityException {
    Optional<String> file = info.sslRootCertificate();
    boolean verify =
        switch (info.sslMode()) {
          case VERIFY_CA, VERIFY_FULL -> true;
          // As libpq: asking for a root certificate is asking for the check.
          case REQUIRE -> file.isPresent();
          case DISABLE, PREFER -> false;
        };
    if (!verify) {
      return new TrustManager[] {new Anyone()};
    }
    if (file.isPresent() && file.get().equals("system")) {
      return null;
    }
    return trust(file.map(Path::of).orElse(info.defaultRootCertificate()), info);
  }

  private static TrustManager[] trust(Path file, ConnectionInfo info)
      throws IOException, GeneralSecurityException {
    if (!Files.isReadable(file)) {
      throw new ConnectionFailedException(
          "the root certificates %s can't be read; sslmode=%s needs them: set sslrootcert"
              .formatted(file, info.sslMode()));
    }
    KeyStore roots = KeyStore.getInstance(KeyStore.getDefaultType());
    roots.load(null, null);
    try (InputStream pem = Files.newInputStream(file)) {
      int number = 0;
      for (Certificate root : CertificateFactory.getInstance("X.509").generateCertificates(pem)) {
        roots.setCertificateEntry("root" + number++, root);
      }
    }
    TrustManagerFactory factory =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(roots);
    return factory.getTrustManagers();
  }

  /// For sslmodes `prefer` and `require`, which ask for secrecy from listeners and not for proof.
  private static final class Anyone implements X509TrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String method) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String method) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
