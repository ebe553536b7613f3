/* Runs a board's program in simavr: its serial port on a pseudo-terminal, its pins driven by lines on standard input.
   For tests, and for playing without a board. Time is the simulated board's own; it stands still between commands.

     rig atmega328p handle-328p-2.elf          prints the name of the pseudo-terminal

   Commands, one a line, each answered by one line ("ok ..." or "error ..."):
     pin D 2 1              sets a pin
     adc 0 2500             millivolts at an analog input
     encoder D 2 400 50000  turns an encoder on pins D2, D3 by 400 edges (negative: backward), 50000 a second
     toggle B 0 100 8000    toggles a pin 100 times, every 8000 us, first after one such time
     angle 1 2048           the angle, 0..4095, of the AS5600 at the multiplexer's bus 1; -1 takes the sensor away
     watch B 5              answers with a pin's level
     run 20                 runs 20 ms: "ok CYCLES BYTES", the bytes sent since the start; run 20 100 first waits
                            until the host's first 100 bytes are here
     real 2000              runs 2000 ms at the pace of the clock on the wall
     quit */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <avr_adc.h>
#include <avr_ioport.h>
#include <avr_twi.h>
#include <avr_uart.h>
#include <sim_avr.h>
#include <sim_elf.h>

#define HZ 16000000u
#define WAVES 32
#define EICRA_ADDRESS 0x69
#define TWCR_ADDRESS 0xBC

typedef struct {
    avr_irq_t *a, *b; /* b is NULL for a single pin */
    int left, way;
    unsigned state;
    double period; /* cycles */
    double due;
} wave;

static avr_t *avr;
static avr_irq_t *uart_in;
static int master, may_send = 1;
static wave waves[WAVES];
static unsigned char pin_level[26][8];

static avr_irq_t *pin(char port, int bit) { return avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ(port), bit); }

static unsigned char sent[4096];
static size_t sent_n;
static unsigned long long sent_total;

/* A host that does not read stops the board's time for at most 2 s; then bytes are lost, as on a real line. */
static void flush_out(void)
{
    struct pollfd writable = {master, POLLOUT, 0};
    size_t done = 0;
    while (done < sent_n) {
        ssize_t n = write(master, sent + done, sent_n - done);
        if (n > 0)
            done += (size_t)n;
        else if ((errno != EAGAIN && errno != EINTR) || poll(&writable, 1, 2000) == 0)
            break;
    }
    sent_n = 0;
}

static void uart_out(struct avr_irq_t *irq, uint32_t value, void *param)
{
    (void)irq, (void)param;
    sent[sent_n++] = (unsigned char)value;
    sent_total++;
    if (sent_n == sizeof sent)
        flush_out();
}

static void uart_xon(struct avr_irq_t *irq, uint32_t value, void *param)
{
    (void)irq, (void)value, (void)param;
    may_send = 1;
}

static void uart_xoff(struct avr_irq_t *irq, uint32_t value, void *param)
{
    (void)irq, (void)value, (void)param;
    may_send = 0;
}

static unsigned char got[8192];
static size_t got_n, got_at;
static unsigned long long got_total;

/* What the host has written so far and is here by now. */
static void fetch(void)
{
    if (got_at == got_n)
        got_at = got_n = 0;
    ssize_t n = read(master, got + got_n, sizeof got - got_n);
    if (n > 0) {
        got_n += (size_t)n;
        got_total += (unsigned long long)n;
    }
}

/* A pseudo-terminal hands bytes over a little later; a host that counts them makes a run the same every time. */
static void wait_for(unsigned long long total)
{
    struct pollfd readable = {master, POLLIN, 0};
    while (got_total < total && got_n < sizeof got && poll(&readable, 1, 2000) > 0)
        fetch();
}

/* Both are timers of the simulator, so that a sleeping board wakes for them. */
static avr_cycle_count_t pump(avr_t *a, avr_cycle_count_t when, void *param)
{
    (void)a, (void)param;
    fetch();
    while (got_at < got_n && may_send)
        avr_raise_irq(uart_in, got[got_at++]);
    flush_out();
    return when + HZ / 2000;
}

static avr_cycle_count_t step_wave(avr_t *a, avr_cycle_count_t when, void *param)
{
    static const unsigned char gray[4] = {0, 1, 3, 2}; /* A is bit 0 */
    wave *w = param;
    (void)a, (void)when;
    w->left--;
    w->state += (unsigned)w->way;
    if (w->b) {
        avr_raise_irq(w->a, gray[w->state & 3] & 1);
        avr_raise_irq(w->b, gray[w->state & 3] >> 1);
    } else {
        avr_raise_irq(w->a, w->state & 1);
    }
    w->due += w->period;
    return w->left ? (avr_cycle_count_t)w->due : 0;
}

static void run(double cycles)
{
    avr_cycle_count_t end = avr->cycle + (avr_cycle_count_t)cycles;
    while (avr->cycle < end)
        avr_run(avr);
    flush_out();
}

static void run_real(int ms)
{
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (int done = 0; done < ms; done++) {
        run(HZ / 1000.0);
        clock_gettime(CLOCK_MONOTONIC, &now);
        long ahead_us = (done + 1) * 1000L - ((now.tv_sec - start.tv_sec) * 1000000L + (now.tv_nsec - start.tv_nsec) / 1000);
        if (ahead_us > 0)
            usleep((useconds_t)ahead_us);
    }
}

/* A TCA9548A with an AS5600 at each of its first three buses. */
#define MULTIPLEXER 0x70
#define SENSOR 0x36

static avr_irq_t *twi_in;
static int angles[3] = {-1, -1, -1};

static int *chosen_sensor(unsigned buses)
{
    for (int i = 0; i < 3; i++)
        if (buses == 1u << i && angles[i] >= 0)
            return &angles[i];
    return NULL;
}

static void twi_out(struct avr_irq_t *irq, uint32_t value, void *param)
{
    static unsigned buses, partner, at;
    avr_twi_msg_irq_t message;
    message.u.v = value;
    unsigned said = message.u.twi.msg, address = message.u.twi.addr >> 1;
    (void)irq, (void)param;
    if (said & TWI_COND_STOP)
        partner = 0;
    if (said & TWI_COND_START) {
        partner = address == MULTIPLEXER || (address == SENSOR && chosen_sensor(buses)) ? address : 0;
        if (partner)
            avr_raise_irq(twi_in, avr_twi_irq_msg(TWI_COND_ACK, message.u.twi.addr, 1));
    } else if (partner && said & TWI_COND_WRITE) {
        avr_raise_irq(twi_in, avr_twi_irq_msg(TWI_COND_ACK, message.u.twi.addr, 1));
        *(partner == MULTIPLEXER ? &buses : &at) = message.u.twi.data;
    } else if (partner == SENSOR && said & TWI_COND_READ) {
        int *angle = chosen_sensor(buses);
        unsigned byte = angle == NULL ? 0xFF : at == 0x0C ? (unsigned)*angle >> 8 : at == 0x0D ? (unsigned)*angle : 0u;
        avr_raise_irq(twi_in, avr_twi_irq_msg(TWI_COND_READ, message.u.twi.addr, (uint8_t)byte));
        at++;
    }
}

/* A board clears TWINT by writing 1 to it; simavr 1.6 leaves it set, and a program that waits for it would not wait. */
static void clear_twint(avr_t *a, avr_io_addr_t address, uint8_t value, void *param)
{
    (void)param;
    if (value & 0x80)
        a->data[address] &= 0x7F;
}

static wave *wave_for(avr_irq_t *a)
{
    for (int i = 0; i < WAVES; i++)
        if (waves[i].a == a || waves[i].a == NULL)
            return &waves[i];
    return NULL;
}

static const char *add_wave(char port, int bit, int count, double period_us, int encoder)
{
    wave *w = wave_for(pin(port, bit));
    if (w == NULL || w->left)
        return "error busy";
    if (w->a == NULL)
        w->state = encoder ? 0 : pin_level[port - 'A'][bit];
    w->a = pin(port, bit);
    w->b = encoder ? pin(port, bit + 1) : NULL;
    w->way = encoder && count < 0 ? -1 : 1;
    w->left = abs(count);
    w->period = period_us * (HZ / 1e6);
    w->due = (double)avr->cycle + w->period;
    if (w->left)
        avr_cycle_timer_register(avr, (avr_cycle_count_t)w->period, step_wave, w);
    return "ok";
}

static const char *obey(const char *line)
{
    static char answer[64];
    char port;
    int a, b;
    double x;
    unsigned long long total = 0;
    if (sscanf(line, "pin %c %d %d", &port, &a, &b) == 3) {
        pin_level[port - 'A'][a] = (unsigned char)b;
        avr_raise_irq(pin(port, a), (uint32_t)b);
        return "ok";
    }
    if (sscanf(line, "adc %d %d", &a, &b) == 2) {
        avr_raise_irq(avr_io_getirq(avr, AVR_IOCTL_ADC_GETIRQ, ADC_IRQ_ADC0 + a), (uint32_t)b);
        return "ok";
    }
    if (sscanf(line, "angle %d %d", &a, &b) == 2 && a >= 0 && a < 3) {
        angles[a] = b;
        return "ok";
    }
    if (sscanf(line, "encoder %c %d %d %lf", &port, &a, &b, &x) == 4)
        return add_wave(port, a, b, 1e6 / x, 1);
    if (sscanf(line, "toggle %c %d %d %lf", &port, &a, &b, &x) == 4)
        return add_wave(port, a, b, x, 0);
    if (sscanf(line, "watch %c %d", &port, &a) == 2) {
        avr_ioport_state_t state;
        avr_ioctl(avr, AVR_IOCTL_IOPORT_GETSTATE(port), &state);
        snprintf(answer, sizeof answer, "ok %d", (int)(state.port >> a & 1));
        return answer;
    }
    if (sscanf(line, "run %lf %llu", &x, &total) >= 1) {
        wait_for(total);
        run(x * (HZ / 1000.0));
    }
    else if (sscanf(line, "real %d", &a) == 1)
        run_real(a);
    else
        return "error unknown";
    snprintf(answer, sizeof answer, "ok %llu %llu", (unsigned long long)avr->cycle, sent_total);
    return answer;
}

static int open_terminal(void)
{
    int slave;
    char name[128];
    struct termios raw;
    if (openpty(&master, &slave, name, NULL, NULL) != 0)
        return 0;
    tcgetattr(slave, &raw);
    cfmakeraw(&raw);
    tcsetattr(slave, TCSANOW, &raw);
    fcntl(master, F_SETFL, O_NONBLOCK);
    printf("%s\n", name);
    fflush(stdout);
    return 1; /* the other end stays open here, so that the host may come and go */
}

/* Sleeping passes simulated time, not ours. */
static void no_sleep(avr_t *sleeper, avr_cycle_count_t cycles) { (void)sleeper, (void)cycles; }

static int load(const char *mcu, const char *file)
{
    static elf_firmware_t firmware;
    uint32_t flags = 0;
    if (elf_read_firmware(file, &firmware) != 0)
        return 0;
    avr = avr_make_mcu_by_name(mcu);
    if (avr == NULL)
        return 0;
    firmware.frequency = HZ;
    avr->log = LOG_ERROR;
    avr_init(avr);
    avr->sleep = no_sleep;
    avr_load_firmware(avr, &firmware);
    /* level-triggered INT0 and INT1, though disabled, make the simulator poll a low pin at every cycle: edges instead */
    avr->data[EICRA_ADDRESS] = 5;
    avr->vcc = avr->avcc = avr->aref = 5000;
    char which = strcmp(mcu, "atmega32u4") == 0 ? '1' : '0';
    avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS(which), &flags);
    uart_in = avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ(which), UART_IRQ_INPUT);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ(which), UART_IRQ_OUTPUT), uart_out, NULL);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ(which), UART_IRQ_OUT_XON), uart_xon, NULL);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ(which), UART_IRQ_OUT_XOFF), uart_xoff, NULL);
    twi_in = avr_io_getirq(avr, AVR_IOCTL_TWI_GETIRQ(0), TWI_IRQ_INPUT);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_TWI_GETIRQ(0), TWI_IRQ_OUTPUT), twi_out, NULL);
    avr_register_io_write(avr, TWCR_ADDRESS, clear_twint, NULL);
    return 1;
}

int main(int argc, char **argv)
{
    char line[128];
    if (argc != 3 || !load(argv[1], argv[2]) || !open_terminal()) {
        fprintf(stderr, "call: rig atmega328p|atmega32u4 PROGRAM.elf\n");
        return 2;
    }
    avr_cycle_timer_register(avr, HZ / 2000, pump, NULL);
    while (fgets(line, sizeof line, stdin)) {
        if (strncmp(line, "quit", 4) == 0)
            break;
        printf("%s\n", obey(line));
        fflush(stdout);
    }
    return 0;
}
