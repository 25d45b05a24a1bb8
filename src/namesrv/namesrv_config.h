/* namesrv_config.h - settings of the name server; the keys are the rows of config.def. */
#ifndef RMQ_NAMESRV_NAMESRV_CONFIG_H
#define RMQ_NAMESRV_NAMESRV_CONFIG_H

#include "base/config.h"

struct namesrv_config {
#define KEY     CONFIG_MEMBER
#define IGNORED CONFIG_NOTHING
#include "namesrv/config.def"
#undef KEY
#undef IGNORED
};

void namesrv_config_init(struct namesrv_config *config);
struct config_section namesrv_config_section(struct namesrv_config *config);
/* Fills in what depends on the surroundings: paths under $HOME. `file` is that of -c, or NULL. Texts it makes live as
 * long as the process. */
void namesrv_config_finish(struct namesrv_config *config, const char *file);
/* Applies the keys of a remote update all or none. ERR_NO_PERMISSION for keys that must not be changed remotely,
 * ERR_BAD_PARAMETER with the reason for unknown keys and bad values. */
enum err namesrv_config_update(struct namesrv_config *config, const struct props *props) MUST_USE;

#endif
