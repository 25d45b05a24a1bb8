/* saver.h - writes files on a thread of its own, so that the loop never waits for the disk. The thread starts with the
 * first file. A file that waits to be written gives way to a newer content of it, so that one waits for each path. */
#ifndef RMQ_NAMESRV_SAVER_H
#define RMQ_NAMESRV_SAVER_H

#include "base/buf.h"
#include "base/err.h"
#include "net/loop.h"

struct saver;
struct saver *saver_create(struct loop *loop);
/* Writes what is queued, reports it and ends the thread. Nothing may be queued any more. @thread the loop's, stopped */
void saver_finish(struct saver *saver);
void saver_destroy(struct saver *saver); /* after loop_destroy */

/* Replaces the file, making its folder; the former content stays as `path`.bak. Takes the content. done(ctx, err) comes
 * on the loop; err_detail(err) says why it failed. @thread the loop's */
typedef void saver_done(void *ctx, enum err err);
void saver_save(struct saver *saver, struct bytes path, struct buf *content, saver_done *done, void *ctx);

#endif
