package dev.varve.walreceiver.libpq;

import com.ongres.scram.client.ScramClient;
import com.ongres.scram.common.exception.ScramException;
import com.ongres.scram.common.util.TlsServerEndpoint;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Proves to the server who we are, in the way it asks for.
///
/// | code of message `R` | method                                              |
/// |---------------------|-----------------------------------------------------|
/// | 0                   | done                                                |
/// | 3                   | the password as it is                               |
/// | 5                   | `md5` + md5(md5(password + user) + salt), in hex    |
/// | 10, 11, 12          | SCRAM-SHA-256, with channel binding where TLS is on |
///
/// Others (GSSAPI, SSPI, OAuth) are refused. A SCRAM server must prove that it knows the password.
final class Authentication {

  private static final int DONE = 0;
  private static final int CLEARTEXT = 3;
  private static final int MD5 = 5;
  private static final int SASL = 10;
  private static final int SASL_CONTINUE = 11;
  private static final int SASL_FINAL = 12;

  /// More than any server is set to; a lying one could keep us computing for hours.
  private static final int MOST_ITERATIONS = 2_000_000;

  private static final int MOST_MECHANISMS = 20;
  private static final Pattern ITERATIONS = Pattern.compile("(?:^|,)i=(\\d+)(?:,|$)");

  private final ConnectionInfo info;
  private final ConnectionInfo.Host host;
  private final Optional<String> password;
  private final @Nullable X509Certificate certificate;
  private final MessageWriter out;
  private @Nullable ScramClient scram;
  private boolean serverProved;

  /// @param certificate the server's, when TLS is on
  Authentication(
      ConnectionInfo info,
      ConnectionInfo.Host host,
      Optional<String> password,
      @Nullable X509Certificate certificate,
      MessageWriter out) {
    this.info = info;
    this.host = host;
    this.password = password;
    this.certificate = certificate;
    this.out = out;
  }

  /// Answers one message of type `R`.
  ///
  /// @return whether the server is content
  boolean answer(MessageReader message) throws IOException {
    int code = message.getInt();
    switch (code) {
      case DONE -> {
        finish();
        return true;
      }
      case CLEARTEXT -> {
        refuseWithoutBinding();
        out.send('p', MessageWriter.texts(secret()));
      }
      case MD5 -> {
        refuseWithoutBinding();
        out.send('p', MessageWriter.texts(md5(message.getBytes(4))));
      }
      case SASL -> beginScram(message);
      case SASL_CONTINUE -> continueScram(message.getRest());
      case SASL_FINAL -> finishScram(message.getRest());
      default ->
          throw new ConnectionFailedException(
              "PostgreSQL at %s wants an authentication method that is not supported (code %d); allow %s in pg_hba.conf"
                  .formatted(host, code, "scram-sha-256"));
    }
    return false;
  }

  private void finish() throws IOException {
    if (scram != null && !serverProved) {
      throw new ProtocolException(host + " left out the end of SCRAM, by which it proves itself");
    }
    if (scram == null) {
      refuseWithoutBinding();
    }
  }

  private void refuseWithoutBinding() throws IOException {
    if (info.channelBinding() == ChannelBinding.REQUIRE) {
      throw new ConnectionFailedException(
          "channel_binding=require, but " + host + " asks for no SCRAM with channel binding");
    }
  }

  private String secret() throws IOException {
    return password.orElseThrow(() ->
        new ConnectionFailedException(
            "PostgreSQL at "
                + host
                + " wants a password for user "
                + info.user()
                + "; give one in the connection string, PGPASSWORD or ~/.pgpass"
                + info.passwordFile().problem().map(why -> " (" + why + ")").orElse("")));
  }

  private String md5(byte[] salt) throws IOException {
    byte[] inner = (secret() + info.user()).getBytes(StandardCharsets.UTF_8);
    byte[] hex = hex(digest(inner)).getBytes(StandardCharsets.US_ASCII);
    byte[] salted = ByteBuffer.allocate(hex.length + salt.length).put(hex).put(salt).array();
    return "md5" + hex(digest(salted));
  }

  private static byte[] digest(byte[] bytes) {
    try {
      return MessageDigest.getInstance("MD5").digest(bytes);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has MD5", e);
    }
  }

  private static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }

  private void beginScram(MessageReader message) throws IOException {
    List<String> mechanisms = mechanisms(message);
    byte[] binding = bindingData();
    boolean plus = binding.length > 0 && mechanisms.contains("SCRAM-SHA-256-PLUS");
    if (!plus) {
      refuseWithoutBinding();
    }
    if (!plus && !mechanisms.contains("SCRAM-SHA-256")) {
      throw new ConnectionFailedException(
          "PostgreSQL at %s offers %s, and none is supported; allow scram-sha-256 in pg_hba.conf"
              .formatted(host, String.join(", ", mechanisms)));
    }
    // PostgreSQL takes the user's name from the startup message and ignores SCRAM's.
    var builder =
        ScramClient.builder()
            .advertisedMechanisms(mechanisms)
            .username("*")
            .password(secret().toCharArray());
    if (binding.length > 0) {
      builder.channelBinding(TlsServerEndpoint.TLS_SERVER_END_POINT, binding);
    }
    ScramClient client = builder.build();
    scram = client;
    byte[] first = client.clientFirstMessage().toString().getBytes(StandardCharsets.UTF_8);
    byte[] name = MessageWriter.texts(client.getScramMechanism().getName());
    out.send(
        'p',
        ByteBuffer.allocate(name.length + 4 + first.length)
            .put(name)
            .putInt(first.length)
            .put(first)
            .array());
  }

  private static List<String> mechanisms(MessageReader message) throws ProtocolException {
    var mechanisms = new ArrayList<String>();
    for (String name = message.getText(); !name.isEmpty(); name = message.getText()) {
      mechanisms.add(name);
      if (mechanisms.size() > MOST_MECHANISMS) {
        throw new ProtocolException("the server lists too many authentication mechanisms");
      }
    }
    return mechanisms;
  }

  /// The hash of the server's certificate; empty without TLS, or where its algorithm has no hash.
  private byte[] bindingData() throws IOException {
    if (certificate == null || info.channelBinding() == ChannelBinding.DISABLE) {
      return new byte[0];
    }
    try {
      return TlsServerEndpoint.getChannelBindingData(certificate);
    } catch (CertificateEncodingException e) {
      throw new IOException("the server's certificate can't be encoded again", e);
    }
  }

  private void continueScram(String text) throws IOException {
    Matcher iterations = ITERATIONS.matcher(text);
    if (!iterations.find()
        || iterations.group(1).length() > 9
        || Integer.parseInt(iterations.group(1)) > MOST_ITERATIONS) {
      throw new ProtocolException(
          host + " sent a SCRAM message without, or with too many, iterations");
    }
    ScramClient client = started();
    try {
      client.serverFirstMessage(text);
      out.send('p', client.clientFinalMessage().toString().getBytes(StandardCharsets.UTF_8));
    } catch (ScramException | IllegalArgumentException | IllegalStateException e) {
      throw new ProtocolException(host + " breaks SCRAM: " + e.getMessage());
    }
  }

  private void finishScram(String text) throws IOException {
    ScramClient client = started();
    try {
      client.serverFinalMessage(text);
    } catch (ScramException | IllegalArgumentException | IllegalStateException e) {
      throw new ProtocolException(
          host + " does not prove that it knows the password: " + e.getMessage());
    }
    serverProved = true;
  }

  private ScramClient started() throws ProtocolException {
    if (scram == null) {
      throw new ProtocolException(host + " goes on with SCRAM that was not begun");
    }
    return scram;
  }
}
