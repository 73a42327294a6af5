package dev.varve.walreceiver.libpq;

import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.X509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;

/// The certificate and the key by which we prove ourselves to a server over TLS: a file of PEM
/// certificates, ours first, and a file with a PKCS#8 key in PEM.
///
/// It is shown to every server that asks for one, as libpq does, whatever issuers it names.
final class ClientCertificate extends X509ExtendedKeyManager {

  private static final String ALIAS = "client";
  private static final long LONGEST = 1 << 20;
  private static final Pattern KEY =
      Pattern.compile("-----BEGIN ([A-Z0-9 ]*)PRIVATE KEY-----(.*?)-----END", Pattern.DOTALL);

  private final X509Certificate[] chain;
  private final PrivateKey key;

  private ClientCertificate(X509Certificate[] chain, PrivateKey key) {
    this.chain = chain;
    this.key = key;
  }

  /// @throws ConnectionFailedException saying which file is not as it must be, and why
  static ClientCertificate read(Path certificate, Path key) throws IOException {
    X509Certificate[] chain = chain(certificate);
    requirePrivate(key);
    return new ClientCertificate(chain, key(key, chain[0].getPublicKey().getAlgorithm()));
  }

  private static X509Certificate[] chain(Path file) throws IOException {
    try (InputStream pem = Files.newInputStream(file)) {
      X509Certificate[] chain =
          CertificateFactory.getInstance("X.509").generateCertificates(pem).stream()
              .map(X509Certificate.class::cast)
              .toArray(X509Certificate[]::new);
      if (chain.length > 0) {
        return chain;
      }
      throw new GeneralSecurityException("it holds none");
    } catch (IOException | GeneralSecurityException e) {
      throw new ConnectionFailedException(
          "the client certificate " + file + " can't be read: " + e.getMessage(), e);
    }
  }

  /// As libpq: a key that others can read is not used; root's may be readable by its group.
  private static void requirePrivate(Path file) throws IOException {
    try {
      Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(file);
      boolean root = Files.getOwner(file).getName().equals("root");
      boolean open =
          permissions.stream()
              .anyMatch(p ->
                  !p.name().startsWith("OWNER") && !(root && p == PosixFilePermission.GROUP_READ));
      if (open) {
        throw new ConnectionFailedException(
            "the client key " + file + " can be read by others: chmod 600 it");
      }
      if (Files.size(file) > LONGEST) {
        throw new ConnectionFailedException("the client key " + file + " is longer than 1 MiB");
      }
    } catch (ConnectionFailedException e) {
      throw e;
    } catch (IOException e) {
      throw new ConnectionFailedException(
          "the client key %s can't be read: %s; set sslkey".formatted(file, e.getMessage()), e);
    }
  }

  private static PrivateKey key(Path file, String algorithm) throws IOException {
    Matcher pem = KEY.matcher(Files.readString(file, StandardCharsets.ISO_8859_1));
    String form = pem.find() ? pem.group(1).strip() : "no";
    if (form.equals("ENCRYPTED") || (!form.equals("no") && pem.group(2).contains("ENCRYPTED"))) {
      throw new ConnectionFailedException(
          "the client key %s is encrypted, which is not supported; decrypt it with: openssl pkey -in %s -out NEW"
              .formatted(file, file));
    }
    if (!form.isEmpty()) {
      throw new ConnectionFailedException(
          "the client key %s is no PKCS#8 key in PEM; convert it with: openssl pkcs8 -topk8 -nocrypt -in %s -out NEW"
              .formatted(file, file));
    }
    try {
      byte[] der = Base64.getMimeDecoder().decode(pem.group(2));
      return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(der));
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      throw new ConnectionFailedException(
          "the client key %s is not the %s key that its certificate needs: %s"
              .formatted(file, algorithm, e.getMessage()),
          e);
    }
  }

  private @Nullable String alias(String... keyTypes) {
    return Arrays.asList(keyTypes).contains(key.getAlgorithm()) ? ALIAS : null;
  }

  @Override
  public @Nullable String chooseClientAlias(
      String[] keyTypes, Principal @Nullable [] issuers, @Nullable Socket socket) {
    return alias(keyTypes);
  }

  @Override
  public String @Nullable [] getClientAliases(String keyType, Principal @Nullable [] issuers) {
    String alias = alias(keyType);
    return alias == null ? null : new String[] {alias};
  }

  @Override
  public X509Certificate[] getCertificateChain(String alias) {
    return chain.clone();
  }

  @Override
  public PrivateKey getPrivateKey(String alias) {
    return key;
  }

  @Override
  public @Nullable String chooseServerAlias(
      String keyType, Principal @Nullable [] issuers, @Nullable Socket socket) {
    return null;
  }

  @Override
  public String @Nullable [] getServerAliases(String keyType, Principal @Nullable [] issuers) {
    return null;
  }
}
