#include "quadrature.h"

/* Counting up: 00, 01 (A first), 11, 10, 00. */
const int8_t quadrature_table[16] = {
    0, 1, -1, QUADRATURE_SKIPPED, /* from 00 */
    -1, 0, QUADRATURE_SKIPPED, 1, /* from 01 */
    1, QUADRATURE_SKIPPED, 0, -1, /* from 10 */
    QUADRATURE_SKIPPED, -1, 1, 0, /* from 11 */
};
