// testapiserver runs a real kube-apiserver and its etcd in one process, on
// loopback only, for tests. It prints one JSON line on stdout when /readyz is
// ok and exits when its standard input is closed (so it never outlives the
// test run that started it). Arguments after "--" go to kube-apiserver.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
	kubectlutil "k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "testapiserver:", err)
		os.Exit(1)
	}
}

func writePEM(path, typ string, der []byte) []byte {
	b := pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der})
	must(os.WriteFile(path, b, 0o600))
	return b
}

func newKey(path string) (*ecdsa.PrivateKey, []byte) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	der, err := x509.MarshalECPrivateKey(k)
	must(err)
	return k, writePEM(path, "EC PRIVATE KEY", der)
}

func freePort() int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func main() {
	// Called through a link named kubectl it is kubectl: the contract is tested with the real
	// client, also on machines that have none.
	if filepath.Base(os.Args[0]) == "kubectl" {
		if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
			kubectlutil.CheckErr(err)
		}
		return
	}
	dir := flag.String("dir", "", "state directory (required; its etcd data is erased)")
	port := flag.Int("port", 0, "port on 127.0.0.1 (0: a free one)")
	wait := flag.Bool("stdin", true, "exit when stdin is closed")
	accounts := flag.Bool("accounts", false, "refuse pods whose service account is not there")
	flag.Parse()
	if *dir == "" {
		must(fmt.Errorf("-dir is required"))
	}
	d, err := filepath.Abs(*dir)
	must(err)
	must(os.MkdirAll(d, 0o700))
	at := func(n string) string { return filepath.Join(d, n) }
	must(os.RemoveAll(at("etcd")))

	// etcd, in process
	ec := embed.NewConfig()
	ec.Dir = at("etcd")
	ec.LogLevel, ec.LogOutputs = "warn", []string{at("etcd.log")}
	ec.UnsafeNoFsync = true
	ec.TickMs, ec.ElectionMs = 20, 200
	cu := []url.URL{{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", freePort())}}
	pu := []url.URL{{Scheme: "http", Host: "127.0.0.1:0"}}
	ec.ListenClientUrls, ec.AdvertiseClientUrls = cu, cu
	ec.ListenPeerUrls, ec.AdvertisePeerUrls = pu, pu
	ec.InitialCluster = ec.InitialClusterFromName(ec.Name)
	e, err := embed.StartEtcd(ec)
	must(err)
	<-e.Server.ReadyNotify()
	etcdURL := cu[0].String()

	// certificates
	caKey, _ := newKey(at("ca.key"))
	tmpl := func(cn string, org ...string) *x509.Certificate {
		n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
		must(err)
		return &x509.Certificate{SerialNumber: n, Subject: pkix.Name{CommonName: cn, Organization: org},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0)}
	}
	ca := tmpl("test-ca")
	ca.IsCA, ca.BasicConstraintsValid, ca.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageDigitalSignature
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	must(err)
	caPEM := writePEM(at("ca.crt"), "CERTIFICATE", caDER)
	leaf := func(name string, t *x509.Certificate, use x509.ExtKeyUsage) (crt, key []byte) {
		k, kp := newKey(at(name + ".key"))
		t.ExtKeyUsage, t.KeyUsage = []x509.ExtKeyUsage{use}, x509.KeyUsageDigitalSignature
		der, err := x509.CreateCertificate(rand.Reader, t, ca, k.Public(), caKey)
		must(err)
		return writePEM(at(name+".crt"), "CERTIFICATE", der), kp
	}
	srv := tmpl("kube-apiserver")
	srv.DNSNames = []string{"localhost", "kubernetes.default.svc"}
	srv.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	leaf("server", srv, x509.ExtKeyUsageServerAuth)
	admCrt, admKey := leaf("admin", tmpl("admin", "system:masters"), x509.ExtKeyUsageClientAuth)
	newKey(at("sa.key"))
	tb := make([]byte, 16)
	_, err = rand.Read(tb)
	must(err)
	token := hex.EncodeToString(tb)
	must(os.WriteFile(at("tokens.csv"), []byte(token+",admin,admin,\"system:masters\"\n"), 0o600))

	if *port == 0 {
		*port = freePort()
	}
	server := fmt.Sprintf("https://127.0.0.1:%d", *port)
	type m = map[string]any
	kc, err := json.MarshalIndent(m{"apiVersion": "v1", "kind": "Config", "current-context": "admin",
		"clusters": []m{{"name": "test", "cluster": m{"server": server, "certificate-authority-data": caPEM}}},
		"users":    []m{{"name": "admin", "user": m{"client-certificate-data": admCrt, "client-key-data": admKey}}},
		"contexts": []m{{"name": "admin", "context": m{"cluster": "test", "user": "admin"}}}}, "", " ")
	must(err)
	must(os.WriteFile(at("kubeconfig"), kc, 0o600))

	extra := flag.Args()
	if !*accounts {
		// Nobody makes the accounts of new namespaces here: no controller manager runs.
		extra = append([]string{"--disable-admission-plugins=ServiceAccount"}, extra...)
	}
	cmd := app.NewAPIServerCommand()
	cmd.SetArgs(append([]string{
		"--etcd-servers=" + etcdURL,
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", *port),
		"--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none",
		"--cert-dir=" + d, "--tls-cert-file=" + at("server.crt"), "--tls-private-key-file=" + at("server.key"),
		"--client-ca-file=" + at("ca.crt"), "--token-auth-file=" + at("tokens.csv"),
		"--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + at("sa.key"), "--service-account-signing-key-file=" + at("sa.key"),
		"--service-cluster-ip-range=10.96.0.0/16", "--allow-privileged=true",
		"--shutdown-delay-duration=0",
	}, extra...))
	go func() { os.Exit(cli.Run(cmd)) }()

	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(caPEM)
	hc := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if r, err := hc.Get(server + "/readyz"); err == nil {
			r.Body.Close()
			if r.StatusCode == 200 {
				break
			}
		}
		if time.Now().After(end) {
			must(fmt.Errorf("not ready after 60 s"))
		}
	}
	must(json.NewEncoder(os.Stdout).Encode(m{"server": server, "kubeconfig": at("kubeconfig"),
		"ca": at("ca.crt"), "token": token, "etcd": etcdURL, "pid": os.Getpid()}))
	if *wait {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0) // the data is disposable; a graceful etcd stop would take 5 s
	}
	select {}
}
