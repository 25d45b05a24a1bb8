/* pair_box.c - life of the two brokers. */
#include "support/pair_box.h"

void pair_box_start(struct pair_box *pair, const char *const *settings) {
    static const char *const names[PAIR] = {"brokerName=a", "brokerName=b"};
    namesrv_box_start(&pair->namesrv);
    for (int i = A; i <= B; i++) {
        struct broker_box *box = &pair->boxes[i];
        broker_box_init(box);
        broker_box_set(box, names[i]);
        broker_box_set(box, pair->namesrv.setting);
        for (const char *const *setting = settings; *setting; setting++) broker_box_set(box, *setting);
        broker_box_start(box);
        peer_open(&pair->peers[i], box->broker.port);
    }
}

void pair_box_close(struct pair_box *pair) {
    for (int i = A; i <= B; i++) {
        peer_close(&pair->peers[i]);
        broker_box_close(&pair->boxes[i]);
    }
    namesrv_box_close(&pair->namesrv);
}
