// Printed parts of the coaxial box and the table. All lengths in mm; change the numbers below to what you bought.
// Choose a part on the command line:  openscad -D 'part="wheel"' -o wheel.stl handle.scad      (or: make printed)
part = "all"; // [wheel, bearing_block, encoder_bracket, magnet_cap, all]

rod = 6;               // diameter of the rod
bearing = [12, 19];    // plain bearing: outer diameter, length (LM6UU)
shaft = 6;             // encoder's shaft
shaft_flat = 0.5;      // depth of its flat, 0 for none
boss = [20, 3];        // the collar around the shaft: diameter, height
bolts = [30, 3.2, 3];  // bolts of the encoder's face: circle, hole, number
wheel_diameter = 12;   // over the O-ring
o_ring = 1.5;          // its thickness
wheel_width = 8;
magnet = [6, 2.5];     // AS5600's magnet: diameter, height
axis_height = 24;      // of the rod over the base plate
wall = 3;
slack = 0.2;           // what your printer adds on the inside of holes, per side
screw = 4.3;           // holes for M4 in the base plate

$fn = 48;

// The encoder's wheel: an O-ring in a groove presses on the rod.
module wheel() {
    radius = (wheel_diameter - o_ring) / 2; // of the middle of the O-ring
    difference() {
        cylinder(r = radius + o_ring / 4, h = wheel_width);
        translate([0, 0, wheel_width / 2]) rotate_extrude() translate([radius, 0]) circle(d = o_ring, $fn = 16);
        difference() {
            translate([0, 0, -1]) cylinder(d = shaft + 2 * slack, h = wheel_width + 2);
            if (shaft_flat > 0)
                translate([shaft / 2 - shaft_flat + slack, -shaft, -1]) cube([shaft, 2 * shaft, wheel_width + 2]);
        }
    }
}

// Holds one bearing at the rod's height; two of them carry a rod.
module bearing_block() {
    outer = bearing[0] + 2 * wall;
    foot = outer + 4 * screw;
    difference() {
        union() {
            translate([-outer / 2, 0, 0]) cube([outer, bearing[1], axis_height]);
            translate([0, bearing[1], axis_height]) rotate([90, 0, 0]) cylinder(d = outer, h = bearing[1]);
            translate([-foot / 2, 0, 0]) cube([foot, bearing[1], wall]);
        }
        translate([0, bearing[1] + 1, axis_height]) rotate([90, 0, 0])
            cylinder(d = bearing[0] + 2 * slack, h = bearing[1] + 2);
        for (side = [-1, 1])
            translate([side * (foot / 2 - screw), bearing[1] / 2, -1]) cylinder(d = screw, h = wall + 2);
    }
}

// A plate that carries an encoder and swings on one screw, so that a rubber band presses the wheel on the rod. The same
// piece stands across the rod (slide) or along it (roll).
module encoder_bracket() {
    side = bolts[0] + 4 * wall;
    arm = axis_height + wheel_diameter;
    difference() {
        union() {
            translate([-side / 2, -side / 2, 0]) cube([side, side, wall]);
            translate([-side / 4, -side / 2 - arm, 0]) cube([side / 2, arm + 1, wall]);
        }
        translate([0, 0, -1]) cylinder(d = boss[0] + 2 * slack, h = wall + 2);
        for (n = [0 : bolts[2] - 1])
            rotate(n * 360 / bolts[2]) translate([bolts[0] / 2, 0, -1]) cylinder(d = bolts[1], h = wall + 2);
        translate([0, -side / 2 - arm + 2 * screw, -1]) cylinder(d = screw, h = wall + 2);
        translate([side / 2 - wall, side / 2 - wall, -1]) cylinder(d = bolts[1], h = wall + 2); // the rubber band
    }
}

// Glued on the rear end of a rod: holds the magnet before its sensor.
module magnet_cap() {
    outer = max(rod, magnet[0]) + 2 * wall;
    deep = 8;
    difference() {
        cylinder(d = outer, h = deep + 1 + magnet[1]);
        translate([0, 0, -1]) cylinder(d = rod + 2 * slack, h = deep + 1);
        translate([0, 0, deep + 1]) cylinder(d = magnet[0] + 2 * slack, h = magnet[1] + 1);
    }
}

if (part == "wheel") wheel();
else if (part == "bearing_block") bearing_block();
else if (part == "encoder_bracket") encoder_bracket();
else if (part == "magnet_cap") magnet_cap();
else {
    wheel();
    translate([40, 0, 0]) bearing_block();
    translate([100, 20, 0]) encoder_bracket();
    translate([0, 40, 0]) magnet_cap();
}
