/* namesrv_box.c - a name server in a thread */
#include "support/namesrv_box.h"

#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"
#include "namesrv/server.h"
#include "os/file.h"

static void *serve(void *arg) {
    namesrv_run(arg);
    return NULL;
}

void namesrv_box_start(struct namesrv_box *box) {
    struct namesrv_config config;
    char path[96];
    snprintf(box->root, sizeof box->root, "/tmp/rmq_namesrv_XXXXXX");
    must(mkdtemp(box->root));
    snprintf(path, sizeof path, "%s/namesrv.conf", box->root);
    namesrv_config_init(&config);
    namesrv_config_finish(&config, path);
    config.listen_port = 0;
    config.bind_address = BYTES("127.0.0.1");
    snprintf(box->kv_path, sizeof box->kv_path, "%s/kvConfig.json", box->root);
    config.kv_config_path = bytes_of(box->kv_path);
    must(namesrv_open(&config, &box->namesrv) == ERR_OK);
    must(pthread_create(&box->thread, NULL, serve, box->namesrv) == 0);
    box->port = namesrv_port(box->namesrv);
    snprintf(box->setting, sizeof box->setting, "namesrvAddr=127.0.0.1:%u", box->port);
}

void namesrv_box_close(struct namesrv_box *box) {
    namesrv_stop(box->namesrv);
    pthread_join(box->thread, NULL);
    namesrv_close(box->namesrv);
    must(file_remove_tree(box->root) == ERR_OK);
}
