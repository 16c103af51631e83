// SPDX-License-Identifier: Apache-2.0
#include "http/tls.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    VALID_DAYS = 3650,
    PEM_MAX = 1 << 20,      /* bytes */
    NAME_MAX_BYTES = 256,
};

static void key_freep(gnutls_x509_privkey_t *key) { gnutls_x509_privkey_deinit(*key); }
static void crt_freep(gnutls_x509_crt_t *crt) { gnutls_x509_crt_deinit(*crt); }
static void datum_freep(gnutls_datum_t *d) { gnutls_free(d->data); }
static void ifaddrs_freep(struct ifaddrs **list) { freeifaddrs(*list); }

static int fail(struct err *err, int rc)
{
    return err_set(err, ERR_INTERNAL, "making the TLS certificate: %s", gnutls_strerror(rc));
}

static void add_dns(gnutls_x509_crt_t crt, const char *name)
{
    gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, name, (unsigned)strlen(name),
                                         GNUTLS_FSAN_APPEND);
}

static void add_ip(gnutls_x509_crt_t crt, const struct sockaddr *sa)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)sa;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sa;

    if (sa->sa_family == AF_INET)
        gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, &v4->sin_addr, 4,
                                             GNUTLS_FSAN_APPEND);
    else if (sa->sa_family == AF_INET6 && !IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr))
        gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, &v6->sin6_addr, 16,
                                             GNUTLS_FSAN_APPEND);
}

/* The names that clients may know this machine by. The resolver is not asked: it may not answer. */
static void add_names(gnutls_x509_crt_t crt, const char *host)
{
    CLEANUP(ifaddrs_freep) struct ifaddrs *list = NULL;

    if (strcmp(host, "localhost") != 0)
        add_dns(crt, host);
    add_dns(crt, "localhost");
    if (getifaddrs(&list) < 0)
        return;
    for (struct ifaddrs *i = list; i; i = i->ifa_next)
        if (i->ifa_addr)
            add_ip(crt, i->ifa_addr);
}

static int make_key(gnutls_x509_privkey_t key, struct err *err)
{
    int rc = gnutls_x509_privkey_generate(
        key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);

    return rc < 0 ? fail(err, rc) : 0;
}

/* A key without a certificate is what a crash between the two leaves behind, or a choice. */
static int read_key(const char *path, gnutls_x509_privkey_t key, struct err *err)
{
    CLEANUP(text_done) struct text pem = {0};
    gnutls_datum_t data;

    if (file_read(path, PEM_MAX, &pem, err) < 0)
        return -1;
    data = (gnutls_datum_t){ (unsigned char *)pem.data, (unsigned)pem.len };
    if (gnutls_x509_privkey_import(key, &data, GNUTLS_X509_FMT_PEM) < 0)
        return err_set(err, ERR_CONFLICT, "%.300s is not a PEM private key", path);
    return 0;
}

static int set_identity(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key)
{
    char host[NAME_MAX_BYTES] = "localhost";
    unsigned char serial[16], id[64];
    size_t id_len = sizeof id;

    if (gethostname(host, sizeof host - 1) < 0 || !*host)
        snprintf(host, sizeof host, "localhost");
    gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof serial);
    serial[0] &= 0x7f;      /* serial numbers are positive */
    gnutls_x509_crt_set_version(crt, 3);
    gnutls_x509_crt_set_serial(crt, serial, sizeof serial);
    gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, host,
                                  (unsigned)strnlen(host, 64 /* the standard's limit */));
    add_names(crt, host);
    if (gnutls_x509_crt_get_key_id(crt, 0, id, &id_len) == 0)
        gnutls_x509_crt_set_subject_key_id(crt, id, id_len);
    return gnutls_x509_crt_set_key(crt, key);
}

static int make_crt(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, struct err *err)
{
    time_t now = (time_t)(clock_unix_ms() / 1000);
    int rc = set_identity(crt, key);

    if (rc < 0)
        return fail(err, rc);
    gnutls_x509_crt_set_activation_time(crt, now - 3600);   /* clients whose clocks are behind */
    gnutls_x509_crt_set_expiration_time(crt, now + (time_t)VALID_DAYS * 86400);
    gnutls_x509_crt_set_basic_constraints(crt, /* ca= */ 1, -1);
    gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_KEY_CERT_SIGN);
    gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0);
    rc = gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
    return rc < 0 ? fail(err, rc) : 0;
}

static int make_folder(const char *path, struct err *err)
{
    const char *base = path_base(path);
    CLEANUP(freep) char *dir = xstrdup(path);

    if (base - path < 2)
        return 0;
    dir[base - path - 1] = '\0';
    return file_mkdirs(dir, 0700, err);
}

/* The key first: a certificate without its key would look complete. */
static int write_pair(const char *cert_path, gnutls_x509_crt_t crt, const char *key_path,
                      gnutls_x509_privkey_t key, struct err *err)
{
    CLEANUP(datum_freep) gnutls_datum_t cert_pem = { NULL, 0 };
    CLEANUP(datum_freep) gnutls_datum_t key_pem = { NULL, 0 };
    int rc = gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN,
                                               &key_pem);

    if (rc == 0)
        rc = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &cert_pem);
    if (rc < 0)
        return fail(err, rc);
    if (make_folder(cert_path, err) < 0 || make_folder(key_path, err) < 0)
        return -1;
    if (file_write(key_path, (char *)key_pem.data, key_pem.size, 0600, err) < 0)
        return -1;
    return file_write(cert_path, (char *)cert_pem.data, cert_pem.size, 0644, err);
}

int tls_ensure(const char *cert_path, const char *key_path, struct err *err)
{
    CLEANUP(key_freep) gnutls_x509_privkey_t key = NULL;
    CLEANUP(crt_freep) gnutls_x509_crt_t crt = NULL;
    bool has_cert = file_exists(cert_path), has_key = file_exists(key_path);

    if (has_cert && has_key)
        return 0;
    if (has_cert)       /* made by the administrator: not ours to replace */
        return err_set(err, ERR_CONFLICT, "%.200s is there but its key %.200s is not; restore the "
                       "key or remove the certificate", cert_path, key_path);
    if (gnutls_x509_privkey_init(&key) < 0 || gnutls_x509_crt_init(&crt) < 0)
        abort();
    if ((has_key ? read_key(key_path, key, err) : make_key(key, err)) < 0)
        return -1;
    if (make_crt(crt, key, err) < 0)
        return -1;
    return write_pair(cert_path, crt, key_path, key, err);
}

int tls_expiry(const char *cert_path, int64_t *ret_unix_ms, struct err *err)
{
    CLEANUP(crt_freep) gnutls_x509_crt_t crt = NULL;
    CLEANUP(text_done) struct text pem = {0};
    gnutls_datum_t data;
    time_t expiry;

    if (file_read(cert_path, PEM_MAX, &pem, err) < 0)
        return -1;
    if (gnutls_x509_crt_init(&crt) < 0)
        abort();
    data = (gnutls_datum_t){ (unsigned char *)pem.data, (unsigned)pem.len };
    if (gnutls_x509_crt_import(crt, &data, GNUTLS_X509_FMT_PEM) < 0)
        return err_set(err, ERR_BAD_INPUT, "%.300s is not a PEM certificate", cert_path);
    expiry = gnutls_x509_crt_get_expiration_time(crt);
    if (expiry == (time_t)-1)
        return err_set(err, ERR_BAD_INPUT, "%.300s has no end date", cert_path);
    *ret_unix_ms = (int64_t)expiry * 1000;
    return 0;
}
