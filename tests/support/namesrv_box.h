/* namesrv_box.h - a name server of our own in this process, in a folder of its own, on any free port. What has to work
 * ends the process with must() when it does not. */
#ifndef TESTS_SUPPORT_NAMESRV_BOX_H
#define TESTS_SUPPORT_NAMESRV_BOX_H

#include <pthread.h>
#include <stdint.h>

struct namesrv_box {
    char root[64], kv_path[96];
    char setting[64]; /* "namesrvAddr=..." for the brokers that register here */
    uint16_t port;
    struct namesrv *namesrv;
    pthread_t thread;
};
void namesrv_box_start(struct namesrv_box *box);
void namesrv_box_close(struct namesrv_box *box); /* stops it and removes the folder */

#endif
