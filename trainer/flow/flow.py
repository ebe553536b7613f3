"""Blood of one patient through a procedure: network, injection, transport, embolization in that order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trainer.anatomy.types import Patient
from trainer.errors import AnatomyError, nearest
from trainer.flow import beds as bed_module
from trainer.flow import exposure
from trainer.flow.coiling import Coiling
from trainer.flow.comfort import Comfort
from trainer.flow.emboli import Emboli, beds_below
from trainer.flow.embolization import catch_shares, cell_territory, plug_volume, shunt_shares
from trainer.flow.exposure import Exposure
from trainer.flow.fluids import load_hemodynamics, load_pharmacy
from trainer.flow.flushing import Flushing, Sent
from trainer.flow.hydraulics import Lumen
from trainer.flow.injector import Delivery, Injector
from trainer.flow.ledger import Ledger
from trainer.flow.network import ArterialNetwork
from trainer.flow.seals import Seals
from trainer.flow.tips import Tips, jet_speeds
from trainer.flow.tone import EVERY, Tone
from trainer.flow.topology import in_liver, is_portal, make_topology
from trainer.flow.transport import advect, occupied, plan, sweep, vein_flows
from trainer.flow.types import Cells, Floats, FlowState, Ints
from trainer.flow.wounds import Wounds
from trainer.frame import InjectionView
from trainer.instruments.coils import coil_file
from trainer.instruments.injury_rules import injury_rules
from trainer.instruments.mishap_rules import mishap_rules
from trainer.instruments.types import Injury, Shapes

CAPACITY_SPREAD = 0.15
"""Standard deviation of the logarithm of a bed's capacity about its mean (unverified)."""
SWEEP_STEPS = 30
LEAST_HARMFUL_MMHG = 120.0
"""Pressure in a tumor's arterioles above which it counts as forced (clinical 4, unverified)."""
TRACE = 1e-16
"""Share of what was given below which a cell's content is swept to the systemic pool."""


@dataclass(slots=True)
class _Free:
    """An injection without a device."""

    cell: int
    fluid: str
    rate_mL_s: float
    left_mL: float


class Flow:
    """The blood. One `step` per 60 Hz step; `FlowState` is all that other layers see.

    lumens: open channel of each catalog device by its id (devices without one are left out).
    `rest_flows`: mean flow into each cell at rest without devices, (C,) mL/s, as solved; beds get
    `patient.beds.flow_mL_s` exactly unless their artery is too thin to carry it.
    """

    def __init__(self, patient: Patient, cells: Cells, lumens: Mapping[str, Lumen],
                 seed: np.random.SeedSequence) -> None:
        self.patient, self.cells = patient, cells
        self.pharmacy, constants = load_pharmacy(), load_hemodynamics()
        self.topology = top = make_topology(patient, cells)
        self.network = ArterialNetwork(patient, cells, top, constants)
        self.injector = Injector(lumens, self.pharmacy, constants)
        self.flushing = Flushing(mishap_rules().flushing)
        self.seals, self.coiling = Seals(cells, top), Coiling(cells, top, coil_file().rules)
        self.emboli, self.tips = Emboli(mishap_rules().flushing), Tips(patient, cells, top)
        B = len(top.bed_cell)
        rest = self.network.rest_bed_flow[:B]
        self.beds = bed_module.make_beds(patient, top, self.pharmacy, constants, rest)
        self.beds.capacity *= np.exp(CAPACITY_SPREAD * np.random.default_rng(seed).standard_normal(B))
        S, C = len(self.pharmacy.names), len(cells.volume_mL)
        self.ledger = Ledger(patient, top, self.pharmacy, cell_territory(patient, top), S, C)
        self._oils = [i for i, s in enumerate(self.pharmacy.species) if s.iodine_mg_mL > 0.0]
        self._catches = catch_shares(cells, top, self.pharmacy)
        self._plug_mL = plug_volume(cells, top, constants)
        # edges of transport: into each cell, then the arcades' ends, of which `_q` holds the flows
        self._edge_a = np.concatenate([top.up, top.join_from])
        self._edge_b = np.concatenate([np.arange(C, dtype=np.int64), top.join_to])
        E = len(self._edge_a)
        self._q, self._source = np.zeros(E), np.zeros(C)
        self._shunt_cell = np.array([top.first_cell[s.vessel + 1] - 1 for s in patient.shunts], np.int64)
        self._shunt_vein = np.array([self.tips.in_vein(s.vein) for s in patient.shunts], np.int64)
        self._shunt_passes = shunt_shares(patient, self.pharmacy)
        K = len(self._shunt_cell)
        self._shunt_held = np.zeros((S, K))
        through = np.maximum(self.network.rest_bed_flow[B : B + K], 1e-9)
        self._shunt_mL = constants.embolization.shunt_capacity_s * through
        self._out_cell = np.concatenate([top.bed_cell, self._shunt_cell, top.sink_cell])
        O = len(self._out_cell)
        self._out_q, self._left = np.zeros(O), np.zeros((S, O))
        self._barred = np.zeros((S, O), np.bool_)
        self._busy = np.zeros(C, np.bool_)
        self._outflow, self._outs = np.zeros(C), np.zeros(C, np.int64)
        self._drained, self._portal = np.zeros((S, B)), np.zeros((S, B))
        self._portal_q = np.zeros(B)
        self.wounds = Wounds(self.network, top, cells, injury_rules().perforation)
        self._bled_mL = 0.0
        self._kept, self._lodged = 0.0, 0.0
        self.tone = Tone(B, constants.contrast_dilation)
        self._lidocaine = self.pharmacy.index("lidocaine")
        self.comfort = Comfort(constants.pain, in_liver(patient), rest)
        self._settling_s = constants.embolization.settling_s
        self._steps = 0
        self._free: list[_Free] = []
        self._tumor_beds = self._beds_of_tumor()
        self.exposure = Exposure(self.pharmacy, self._tumor_beds, float(patient.beds.tissue_mL[self._tumor_beds].sum()))
        self.rest_flows = self._rest_flows()
        self._tumor_cells = np.unique(top.bed_cell[self._tumor_beds])
        self._overpressure, self._most_mmHg = 0.0, max(LEAST_HARMFUL_MMHG, patient.heart.systolic_mmHg)
        self._tumor_rest = float(self.network.rest_bed_flow[self._tumor_beds].sum())
        self._beat = np.full(max(1, round(60.0 * self.network.period_s)), self._tumor_rest)
        self._deliveries: list[Delivery] = []
        self._dt = 1.0 / 60.0

    # what the operator does

    def start_injection(self, slot: str, fluid: str, rate_mL_s: float, volume_mL: float, rise_s: float,
                        limit_psi: float) -> str | None:
        """Starts the power injector on a device. Returns what the operator is told when it cannot start."""
        if slot == self.flushing.running:
            return "Wait until the flush has ended."
        return self.injector.start(slot, fluid, rate_mL_s, volume_mL, rise_s, limit_psi)

    def stop_injection(self) -> None:
        """Stops the power injector."""
        self.injector.stop()

    def flush(self, slot: str) -> str | None:
        """Begins a flush by hand. Returns what the operator is told when it is impossible."""
        return self.flushing.start(slot, self.injector)

    def load_syringe(self, fluid: str, size_mL: float) -> str | None:
        """Fills a fresh hand syringe. Returns what the operator is told when that is impossible."""
        return self.injector.load(fluid, size_mL)

    def inject_at(self, vessel: str, rate_mL_s: float, volume_mL: float, fluid: str = "contrast_300",
                  position_mm: float | None = None) -> None:
        """Injects at a place without any device, for previews and tests: the middle of the vessel unless a
        position along it is given. Raises AnatomyError for an unknown vessel or fluid."""
        if vessel not in self.patient.tree.names:
            raise AnatomyError(f"there is no vessel '{vessel}'.",
                               mend=nearest(vessel, self.patient.tree.names))
        if fluid not in self.pharmacy.fluids:
            raise AnatomyError(f"there is no fluid '{fluid}'.", mend=nearest(fluid, self.pharmacy.fluids))
        v = self.patient.tree.index(vessel)
        at = 0.5 * float(self.patient.tree.arc(v)[-1]) if position_mm is None else position_mm
        self._free.append(_Free(self.topology.cell_at(self.cells, v, at), fluid, rate_mL_s, volume_mL))

    # one step

    def step(self, dt_s: float, shapes: Shapes | None = None, syringe_slot: str = "",
             syringe_mL_s: float = 0.0, breath: float = 0.0) -> FlowState:
        """Advances the blood by dt with the devices where they are. breath: 0 end expiration to 1 full inspiration."""
        self._dt = dt_s
        self.network.breathe(breath)
        self.injector.connect(shapes)
        self.flushing.follow(shapes.slots if shapes is not None else (), self.injector)
        if shapes is not None:
            c = self.network.circuit
            self.network.occupy(shapes.vessel, shapes.position_mm, self.seals.widened(shapes, c.P, c.Q))
            coiled = self.coiling.step(shapes.coils, dt_s)
            if coiled is not None:
                self.network.coil(coiled)
            for cell in self.wounds.see(shapes.injuries):
                self._add_outlet(cell)
        put_cell, put = self._inject(dt_s, shapes, syringe_slot, syringe_mL_s)
        self.network.step(dt_s)
        self._set_flows()
        self._let_emboli_fade(dt_s)
        if self.ledger.any_given:
            self._transport(dt_s, put_cell, put)
            self._relax(dt_s)
            B = len(self.topology.bed_cell)
            self.comfort.step(self.beds.closed, self._left[self._lidocaine, :B], dt_s)
            if self._steps % exposure.EVERY == 0:
                book = self.ledger
                self.exposure.look(self.beds, book.lodged.sum(axis=1), book.systemic, self._feeder_share(),
                                   exposure.EVERY * dt_s)
        self._beat[self._steps % len(self._beat)] = self.network.circuit.bed_in[self._tumor_beds].sum()
        if len(self._tumor_cells):
            most = float(self.network.circuit.P[self._tumor_cells].max())
            self._overpressure += max(0.0, most - self._most_mmHg) * dt_s
        self._steps += 1
        return self._state()

    def _add_outlet(self, cell: int) -> None:
        """One more way out, behind all others."""
        self._out_cell, self._out_q = np.append(self._out_cell, cell), np.append(self._out_q, 0.0)
        S, O = len(self.pharmacy.names), len(self._out_cell)
        self._left = np.zeros((S, O))
        self._barred = np.concatenate([self._barred, np.zeros((S, 1), np.bool_)], axis=1)
        self.ledger.spilled = np.concatenate([self.ledger.spilled, np.zeros((S, 1))], axis=1)

    def nitroglycerin_ug_mL(self, injuries: Sequence[Injury]) -> list[float]:
        """Concentration in the blood at each injury."""
        mass = self.ledger.mass[self.pharmacy.index("nitroglycerin")]
        cells = [self.topology.cell_at(self.cells, i.vessel, i.position_mm) for i in injuries]
        return [1000.0 * float(mass[c] / self.cells.volume_mL[c]) for c in cells]

    def _lodge(self, sent: Sent) -> None:
        """Air or clot that has left a tip lodges in the beds beyond it."""
        top = self.topology
        cell = self.tips.cell(self.injector.lines[sent.slot].tip)
        below = beds_below(cell, top.up[: top.arteries], top.bed_cell)
        flow = np.where(below, self.network.circuit.bed_in[: len(below)], 0.0)
        self.emboli.lodge(sent.what, flow, self.beds.capacity)
        self._close_beds()

    def _let_emboli_fade(self, dt_s: float) -> None:
        if self.emboli.closed and self._steps % SWEEP_STEPS == 0:
            self.emboli.fade(SWEEP_STEPS * dt_s)
            self._close_beds()

    def _close_beds(self) -> None:
        self.network.close_beds(self.emboli.with_spheres(self.beds.closed))

    def jets(self) -> dict[str, float]:
        """Mean speed, m/s, in the end hole of each device that something leaves now."""
        return jet_speeds(self._deliveries, [self.injector.lines[d.slot].lumen for d in self._deliveries], self._dt)

    def sent(self) -> list[Sent]:
        """Air and clot pushed out since the last call."""
        out, self.flushing.sent = self.flushing.sent, []
        return out

    def drug_exposure(self) -> dict[str, float]:
        """Drug in tumor and plasma so far and over the day after; see `exposure.Exposure.told`."""
        return self.exposure.told(self._feeder_share())

    def aftermath(self) -> dict[str, float]:
        """Oil that passed into veins, mL; pressure in the tumor's arterioles beyond what the heart makes, over time,
        mmHg s; share of normal liver, by tissue, whose arterioles are closed."""
        oil = sum(float(self.ledger.systemic[s]) for s in self._oils)
        beds, organs = self.patient.beds, self.patient.territories
        tissue = np.where([organs[t].organ == "liver" for t in beds.territory.tolist()], beds.tissue_mL, 0.0)
        closed = float(tissue @ self.beds.closed) / float(tissue.sum()) if tissue.any() else 0.0
        return {"lung_oil_mL": oil, "overpressure_mmHg_s": self._overpressure, "liver_closed_share": closed}

    def injection_view(self) -> InjectionView:
        """What the injector panel shows."""
        return self.injector.view(self._deliveries, self._dt, self.ledger.given_totals())

    def _inject(self, dt_s: float, shapes: Shapes | None, slot: str, rate: float) -> tuple[Ints, Floats]:
        """Runs injector and syringe; returns the cells (K,) and amounts (K, S) that enter in this step."""
        pressure = self.network.circuit.P
        tips = {s: float(pressure[self.tips.cell(line.tip)]) for s, line in self.injector.lines.items()}
        flushed = self.flushing.push(self.injector, dt_s, tips.get(self.flushing.running))
        p = self.injector.program
        fluids = {slot: self.injector.syringe_fluid} | ({p.slot: f"{p.fluid} by power"} if p is not None else {})
        if slot == self.flushing.running:  # the syringe of the flush is on the hub
            rate = 0.0
        self._deliveries = self.injector.advance(dt_s, tips, slot, rate)
        known = len(self.flushing.sent)
        self.flushing.step(self.injector, self._deliveries, fluids, dt_s)
        for gone in self.flushing.sent[known:]:
            self._lodge(gone)
        source = self.network.circuit.source
        source[:] = 0.0
        cells, amounts = [], []
        for d in (*self._deliveries, *flushed):
            openings = self.tips.openings(d, self.injector.lines[d.slot].lumen, shapes)
            for cell in openings:
                source[cell] += d.volume_mL / dt_s / len(openings)
                cells.append(cell)
                amounts.append(d.amounts / len(openings))
            self.ledger.give(d.amounts, d.contrast_mL)
        for free in self._free:
            volume = min(free.rate_mL_s * dt_s, free.left_mL)
            free.left_mL -= volume
            source[free.cell] += volume / dt_s
            cells.append(free.cell)
            amounts.append(volume * self.pharmacy.contents(free.fluid))
            self.ledger.give(amounts[-1], volume * self.pharmacy.fluids[free.fluid].contrast_mL)
        self._free = [free for free in self._free if free.left_mL > 0.0]
        if not cells:
            return np.zeros(0, np.int64), np.zeros((0, len(self.pharmacy.names)))
        return np.array(cells, np.int64), np.array(amounts)

    def _set_flows(self) -> None:
        """Gathers the flows of arteries, beds, shunts, veins and portal branches."""
        top, c, B = self.topology, self.network.circuit, len(self.topology.bed_cell)
        n, K = top.arteries, len(self._shunt_cell)
        C = len(self._source)
        self._q[:n], self._q[C:] = c.Q[:n], c.Q[n:]
        self._out_q[: B + K] = c.bed_in[: B + K]
        holes = len(self.wounds.holes)
        if holes:
            self._out_q[-holes:] = np.maximum(c.bed_in[B + K :], 0.0)
            self._bled_mL += float(self._out_q[-holes:].sum()) * self._dt
        if n == C:
            return
        out = np.maximum(c.bed_out, 0.0)
        self._source[n:] = 0.0
        drains = top.bed_vein >= 0
        np.add.at(self._source, top.bed_vein[drains], out[:B][drains])
        if K:
            shunted = self._shunt_vein >= 0
            np.add.at(self._source, self._shunt_vein[shunted], out[B : B + K][shunted])
        portal = self._portal_total(out)
        self._portal_q[:] = top.portal_weight * portal
        sink = np.bincount(top.bed_sink[top.bed_sink >= 0], self._portal_q[top.bed_sink >= 0],
                           minlength=len(top.sink_cell))
        self._out_q[B + K : B + K + len(sink)] = sink
        # portal blood leaves its branches into tissue and comes back through the beds' veins
        np.add.at(self._source, top.sink_cell, -sink)
        np.add.at(self._source, top.bed_vein[drains], self._portal_q[drains])
        vein_flows(top.up, n, self._source, self._q[:C])

    def _portal_total(self, out: Floats) -> float:
        """Flow that enters the portal tree now, mL/s."""
        if not len(self.topology.sink_cell):
            return 0.0
        B = len(self.topology.bed_cell)
        total = float(out[:B][self.ledger.portal_bed].sum())
        for k, s in enumerate(self.patient.shunts):
            if s.vein >= 0 and is_portal(self.patient.vein_kind[s.vein]):
                total += float(out[B + k])
        return total

    def _transport(self, dt_s: float, put_cell: Ints, put: Floats) -> None:
        """Carries all species, fills and drains the beds, and lets lodged spheres close them."""
        top, book, store = self.topology, self.ledger, self.beds
        B, K = len(top.bed_cell), len(self._shunt_cell)
        present = book.present
        bed_module.return_to_artery(store, self._out_q[:B], top.bed_cell, book.mass, dt_s)
        busy = self._busy
        occupied(book.mass, present, busy)
        busy[put_cell] = True
        volume = self.cells.volume_mL
        graph = (self._edge_a, self._edge_b, self._q, self._out_cell, self._out_q, volume)
        substeps = plan(*graph, dt_s, busy, self._outflow, self._outs)
        self._left[:] = 0.0
        advect(book.mass, present, *graph, top.up, top.only_down, self._outflow, self._outs, dt_s, substeps,
               put_cell, put, self._catches, book.lodged, self._barred, self._left, book.systemic)
        self._portal[:] = 0.0
        if len(top.sink_cell):
            self._share_portal(present)
        out = self.network.circuit.bed_out[:B]
        bed_module.pass_beds(present, store.embolic, self._left[:, :B], self._portal, store.volume,
                             store.uptake, store.passing, out, self._portal_q, dt_s, store.held, store.kept,
                             self._drained)
        book.receive(present, self._drained, top.bed_vein)
        if K:
            self._shunt(present)
        if self.wounds.holes:
            book.spilled += self._left[:, -len(self.wounds.holes) :]
        self._embolize()
        if self._steps % SWEEP_STEPS == 0:
            sweep(book.mass, present, TRACE * book.given, book.systemic)
        book.watch_reflux(self._deliveries, [self.tips.cell(d.tip) for d in self._deliveries], self._q, dt_s)

    def _shunt(self, present: Ints) -> None:
        """What came to the shunts goes into their veins; spheres too wide for them lodge in them and close them."""
        B, K = len(self.topology.bed_cell), len(self._shunt_cell)
        came = self._left[:, B : B + K]
        stays = came * (1.0 - self._shunt_passes)
        for s in present:
            np.add.at(self.ledger.lodged[s], self._shunt_cell, stays[s])
        self.ledger.receive(present, came - stays, self._shunt_vein)
        if stays.any():
            self._shunt_held += stays
            held = self.beds.blocks[self.beds.embolic] @ self._shunt_held[self.beds.embolic]
            self.network.close_shunts(np.minimum(1.0, held / self._shunt_mL))

    def _share_portal(self, present: Ints) -> None:
        """Gives what left each portal branch to its liver beds by their flow."""
        top = self.topology
        first = len(top.bed_cell) + len(self._shunt_cell)
        fed = top.bed_sink >= 0
        total = np.bincount(top.bed_sink[fed], top.portal_weight[fed], minlength=len(top.sink_cell))
        part = np.zeros(len(fed))
        part[fed] = top.portal_weight[fed] / np.maximum(total[top.bed_sink[fed]], 1e-300)
        for s in present:
            self._portal[s, fed] = part[fed] * self._left[s, first + top.bed_sink[fed]]

    def _relax(self, dt_s: float) -> None:
        """Contrast that reaches beds widens their arterioles."""
        if self._steps % EVERY:
            return
        cell = self.topology.bed_cell
        arriving = self.ledger.mass[self.ledger.index_iodine, cell] / self.cells.volume_mL[cell]
        if self.tone.step(np.maximum(arriving, 0.0), EVERY * dt_s):
            self.tone.told = self.tone.now
            self.network.relax(self.tone.told)

    def _embolize(self) -> None:
        """Resistances of the next step from the spheres that have lodged."""
        book, embolic = self.ledger, self.beds.embolic
        spheres = book.present[embolic[book.present]]
        kept = sum(float(self.beds.kept[s].sum()) for s in spheres)
        lodged = sum(float(book.lodged[s].sum()) for s in spheres)
        settles = kept > 0.0 and self._steps % SWEEP_STEPS == 0
        if settles:
            self.beds.settle(SWEEP_STEPS * self._dt, self._settling_s)
        if kept != self._kept or settles:
            self._kept, closed = kept, self.beds.closed
            self._barred[np.ix_(embolic, np.arange(len(closed)))] = closed >= 0.9999
            self.network.close_beds(self.emboli.with_spheres(closed))
        if lodged != self._lodged:
            self._lodged = lodged
            volume = (self.beds.blocks[embolic] @ book.lodged[embolic])[: self.topology.arteries]
            # what lies in a shunt is booked at its cell, whose own lumen it leaves open
            np.subtract.at(volume, self._shunt_cell, self.beds.blocks[embolic] @ self._shunt_held[embolic])
            volume = np.maximum(volume, 0.0)
            self.network.plug(np.minimum(1.0, volume / self._plug_mL))

    def _state(self) -> FlowState:
        """The public picture of the blood after a step."""
        c, book, B = self.network.circuit, self.ledger, len(self.topology.bed_cell)
        n = self.topology.arteries
        iodine, oils = book.index_iodine, self._oils
        pressure = np.full(len(self._source), c.bed_P[0] if len(c.bed_P) else 0.0)
        pressure[:n] = c.P + c.Q[:n] * self.network.before_R
        in_cells, in_beds = np.maximum(book.mass[iodine], 0.0), self.beds.blush(iodine)
        for s in oils:
            if book.given[s] > 0.0:
                content = self.pharmacy.species[s].iodine_mg_mL
                in_cells = in_cells + content * np.maximum(book.mass[s] + book.lodged[s], 0.0)
                in_beds = in_beds + content * (self.beds.held[s].sum(axis=0) + self.beds.kept[s])
        arrays = (self._q[: len(pressure)].copy(), pressure, in_cells / self.cells.volume_mL, in_beds,
                  c.bed_in[:B].copy())
        for a in arrays:
            a.flags.writeable = False
        sums = book.sums(self.beds)
        embolic, drug = book.places(self.beds, sums)
        return FlowState(
            *arrays, aortic_mmHg=self.network.aortic_mmHg, contraction=self.network.contraction,
            delivered_mL_s=sum(d.volume_mL for d in self._deliveries) / self._dt,
            hub_pressure_psi=max((d.hub_psi for d in self._deliveries), default=0.0),
            limited=any(d.limited for d in self._deliveries), embolic_by_territory_mL=embolic.by_territory,
            embolic_in_flight_mL=embolic.in_flight, embolic_systemic_mL=embolic.systemic,
            drug_by_territory_mg=drug.by_territory, drug_in_flight_mg=drug.in_flight,
            drug_systemic_mg=drug.systemic, given=book.given_totals(),
            feeder_flow_share=self._feeder_share(), mass_balance_error=book.balance_error(sums),
            reflux_mL=book.reflux_mL, extravasated_mL=self._bled_mL,
            pain=self.comfort.pain, extravasated_iodine_mg=tuple(float(v) for v in book.spilled[iodine]))

    # places

    def _feeder_share(self) -> float:
        """Mean flow through the tumor's beds over the last beat, as a share of that at rest."""
        return float(self._beat.mean()) / self._tumor_rest if self._tumor_rest > 0.0 else 1.0

    def _beds_of_tumor(self) -> Ints:
        """Beds of the first tumor: all that its feeder supplies, and the rim that another artery feeds."""
        tree = self.patient.tree
        if not self.patient.tumors:
            return np.zeros(0, np.int64)
        feeder = tree.index(self.patient.tumors[0].feeder)
        rim = f"{self.patient.tumors[0].name}_rim"
        names, beds = self.patient.territories, self.patient.beds
        own = [k for k, (v, t) in enumerate(zip(beds.vessel.tolist(), beds.territory.tolist(), strict=True))
               if feeder in tree.path(v) or names[t].name == rim]
        return np.array(own, np.int64)

    def _rest_flows(self) -> Floats:
        out = np.zeros(len(self.cells.volume_mL))
        out[: self.topology.arteries] = self.network.rest_flow
        return out
