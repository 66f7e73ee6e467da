"""The cameras of Human3.6M and HumanEva-I, which the field's files leave out.

The numbers are the data sets' own calibration, as it circulates with their joints (``common/h36m_dataset.py`` and
``common/humaneva_dataset.py`` of VideoPose3D): quaternions w, x, y, z from camera to world, places in millimetres, the
world's z axis up. Here they are turned to this project's world, whose y axis is up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..arrays import FloatArray

Quaternion = tuple[float, float, float, float]
Point = tuple[float, float, float]


@dataclass(frozen=True)
class Lens:
    """A pinhole and its distortion, in pixels.

    Attributes:
        focal_px: focal lengths along x and y.
        centre_px: principal point.
        radial: k1, k2, k3.
        tangential: p1, p2.
    """

    focal_px: tuple[float, float]
    centre_px: tuple[float, float]
    radial: tuple[float, float, float]
    tangential: tuple[float, float]

    def project(self, xyz_m: FloatArray) -> npt.NDArray[np.float64]:
        """Points (..., 3) in camera axes to pixels (..., 2).

        Directions more than 45 degrees off the axis are drawn in to 45, as the field's own projection does: the
        polynomial means nothing there.
        """
        points = np.asarray(xyz_m, np.float64)
        q = np.clip(points[..., :2] / points[..., 2:], -1, 1)
        r2 = (q * q).sum(axis=-1, keepdims=True)
        k1, k2, k3 = self.radial
        bend = 1 + r2 * (k1 + r2 * (k2 + r2 * k3)) + q @ np.array(self.tangential)[:, None]
        bent = q * bend + np.array(self.tangential) * r2
        xy_px: npt.NDArray[np.float64] = np.array(self.focal_px) * bent + np.array(self.centre_px)
        return xy_px


@dataclass(frozen=True)
class FieldCamera:
    """A camera of a data set.

    Attributes:
        name: as the data set calls it.
        width_px: width of its pictures.
        height_px: height of its pictures.
        orientation: unit quaternion w, x, y, z from camera axes to the world, y up.
        translation_m: its place in the world, y up.
        lens: None where it is not known here.
    """

    name: str
    width_px: int
    height_px: int
    orientation: Quaternion
    translation_m: Point
    lens: Lens | None


def to_y_up(xyz: FloatArray) -> FloatArray:
    """Turn points (..., 3) of a world whose z axis is up so that y is up: x stays, z becomes y, y becomes -z."""
    return xyz[..., [0, 2, 1]] * np.array([1, 1, -1], xyz.dtype)


def _quaternion_to_y_up(orientation: Quaternion) -> Quaternion:
    """The same turn, by -90 degrees about x, after a camera's own."""
    cos, sin = np.sqrt(0.5), -np.sqrt(0.5)
    w, x, y, z = np.array(orientation) / np.linalg.norm(orientation)
    turned = (cos * w - sin * x, cos * x + sin * w, cos * y - sin * z, cos * z + sin * y)
    return tuple(float(number) for number in turned)  # type: ignore[return-value]


_H36M_LENSES = {
    # Name: width and height, lens.
    "54138969": (
        (1000, 1002),
        Lens(
            (1145.0494384765625, 1143.7811279296875),
            (512.54150390625, 515.4514770507812),
            (-0.20709891617298126, 0.24777518212795258, -0.0030751503072679043),
            (-0.0009756988729350269, -0.00142447161488235),
        ),
    ),
    "55011271": (
        (1000, 1000),
        Lens(
            (1149.6756591796875, 1147.5916748046875),
            (508.8486328125, 508.0649108886719),
            (-0.1942136287689209, 0.2404085397720337, 0.006819975562393665),
            (-0.0016190266469493508, -0.0027408944442868233),
        ),
    ),
    "58860488": (
        (1000, 1000),
        Lens(
            (1149.1407470703125, 1148.7989501953125),
            (519.8158569335938, 501.40264892578125),
            (-0.2083381861448288, 0.25548800826072693, -0.0024604974314570427),
            (0.0014843869721516967, -0.0007599993259645998),
        ),
    ),
    "60457274": (
        (1000, 1002),
        Lens(
            (1145.5113525390625, 1144.77392578125),
            (514.9682006835938, 501.88201904296875),
            (-0.198384091258049, 0.21832367777824402, -0.008947807364165783),
            (-0.0005872055771760643, -0.0018133620033040643),
        ),
    ),
}


def focal_length_px(camera: str) -> float | None:
    """Of a camera by its name, along x; None where it is not known here, as HumanEva's are not."""
    if camera not in _H36M_LENSES:
        return None
    return _H36M_LENSES[camera][1].focal_px[0]


_HUMANEVA_CAMERAS = ("C1", "C2", "C3")
_HUMANEVA_SIZE = (640, 480)

_H36M_PLACES: dict[str, tuple[tuple[Quaternion, Point], ...]] = {
    # Subject: orientation and place of each camera, in the order above.
    "S1": (
        (
            (0.1407056450843811, -0.1500701755285263, -0.755240797996521, 0.6223280429840088),
            (1841.1070556640625, 4955.28466796875, 1563.4454345703125),
        ),
        (
            (0.6157187819480896, -0.764836311340332, -0.14833825826644897, 0.11794740706682205),
            (1761.278564453125, -5078.0068359375, 1606.2650146484375),
        ),
        (
            (0.14651472866535187, -0.14647851884365082, 0.7653023600578308, -0.6094175577163696),
            (-1846.7777099609375, 5215.04638671875, 1491.972412109375),
        ),
        (
            (0.5834008455276489, -0.7853162288665771, 0.14548823237419128, -0.14749594032764435),
            (-1794.7896728515625, -3722.698974609375, 1574.8927001953125),
        ),
    ),
    "S5": (
        (
            (0.1467377245426178, -0.162370964884758, -0.7551892995834351, 0.6178938746452332),
            (2097.3916015625, 4880.94482421875, 1605.732421875),
        ),
        (
            (0.6159758567810059, -0.7626792192459106, -0.15728192031383514, 0.1189815029501915),
            (2031.7008056640625, -5167.93310546875, 1612.923095703125),
        ),
        (
            (0.14291371405124664, -0.12907841801643372, 0.7678384780883789, -0.6110143065452576),
            (-1620.5948486328125, 5171.65869140625, 1496.43701171875),
        ),
        (
            (0.5920479893684387, -0.7814217805862427, 0.1274748593568802, -0.15036417543888092),
            (-1637.1737060546875, -3867.3173828125, 1547.033203125),
        ),
    ),
    "S6": (
        (
            (0.1337897777557373, -0.15692396461963654, -0.7571090459823608, 0.6198879480361938),
            (1935.4517822265625, 4950.24560546875, 1618.0838623046875),
        ),
        (
            (0.6147197484970093, -0.7628812789916992, -0.16174767911434174, 0.11819244921207428),
            (1969.803955078125, -5128.73876953125, 1632.77880859375),
        ),
        (
            (0.1529948115348816, -0.13529130816459656, 0.7646096348762512, -0.6112781167030334),
            (-1769.596435546875, 5185.361328125, 1476.993408203125),
        ),
        (
            (0.5916101336479187, -0.7804774045944214, 0.12832270562648773, -0.1561593860387802),
            (-1721.668701171875, -3884.13134765625, 1540.4879150390625),
        ),
    ),
    "S7": (
        (
            (0.1435241848230362, -0.1631336808204651, -0.7548328638076782, 0.6188824772834778),
            (1974.512939453125, 4926.3544921875, 1597.8326416015625),
        ),
        (
            (0.6141672730445862, -0.7638262510299683, -0.1596645563840866, 0.1177929937839508),
            (1937.0584716796875, -5119.7900390625, 1631.5665283203125),
        ),
        (
            (0.14550060033798218, -0.12874816358089447, 0.7660516500473022, -0.6127139329910278),
            (-1741.8111572265625, 5208.24951171875, 1464.8245849609375),
        ),
        (
            (0.5912848114967346, -0.7821764349937439, 0.12445473670959473, -0.15196487307548523),
            (-1734.7105712890625, -3832.42138671875, 1548.5830078125),
        ),
    ),
    "S8": (
        (
            (0.14110587537288666, -0.15589867532253265, -0.7561917304992676, 0.619644045829773),
            (2150.65185546875, 4896.1611328125, 1611.9046630859375),
        ),
        (
            (0.6169601678848267, -0.7647668123245239, -0.14846350252628326, 0.11158157885074615),
            (2219.965576171875, -5148.453125, 1613.0440673828125),
        ),
        (
            (0.1471444070339203, -0.13377119600772858, 0.7670128345489502, -0.6100369691848755),
            (-1571.2215576171875, 5137.0185546875, 1498.1761474609375),
        ),
        (
            (0.5927824378013611, -0.7825870513916016, 0.12147816270589828, -0.14631995558738708),
            (-1476.913330078125, -3896.7412109375, 1547.97216796875),
        ),
    ),
    "S9": (
        (
            (0.15540587902069092, -0.15548215806484222, -0.7532095313072205, 0.6199594736099243),
            (2044.45849609375, 4935.1171875, 1481.2275390625),
        ),
        (
            (0.618784487247467, -0.7634735107421875, -0.14132238924503326, 0.11933968216180801),
            (1990.959716796875, -5123.810546875, 1568.8048095703125),
        ),
        (
            (0.13357827067375183, -0.1367100477218628, 0.7689454555511475, -0.6100738644599915),
            (-1670.9921875, 5211.98583984375, 1528.387939453125),
        ),
        (
            (0.5879399180412292, -0.7823407053947449, 0.1427614390850067, -0.14794869720935822),
            (-1696.04345703125, -3827.099853515625, 1591.4127197265625),
        ),
    ),
    "S11": (
        (
            (0.15232472121715546, -0.15442320704460144, -0.7547563314437866, 0.6191070079803467),
            (2098.440185546875, 4926.5546875, 1500.278564453125),
        ),
        (
            (0.6189449429512024, -0.7600917220115662, -0.15300633013248444, 0.1255258321762085),
            (2083.182373046875, -4912.1728515625, 1561.07861328125),
        ),
        (
            (0.14943228662014008, -0.15650227665901184, 0.7681233882904053, -0.6026304364204407),
            (-1609.8153076171875, 5177.3359375, 1537.896728515625),
        ),
        (
            (0.5894251465797424, -0.7818877100944519, 0.13991211354732513, -0.14715361595153809),
            (-1590.738037109375, -3854.1689453125, 1578.017578125),
        ),
    ),
}

_HUMANEVA_PLACES: dict[str, tuple[tuple[Quaternion, Point], ...]] = {
    "S1": (
        ((0.424207, -0.4983646, -0.5802981, 0.4847012), (4062.227, 663.2477, 1528.397)),
        ((0.6503354, -0.7481602, -0.0919284, 0.0941766), (844.8131, -3805.2092, 1504.9929)),
        ((0.0664734, -0.0690535, 0.7416416, -0.6639132), (-797.67377, 3916.3174, 1433.6602)),
    ),
    "S2": (
        ((0.4214752, -0.4961493, -0.5838273, 0.4851187), (4112.9121, 626.4929, 1545.2988)),
        ((0.6501393, -0.7476588, -0.0954617, 0.0959808), (923.5740, -3877.9243, 1504.5518)),
        ((0.0699353, -0.0712403, 0.7421637, -0.662742), (-781.4915, 3838.8853, 1444.9929)),
    ),
    "S3": (
        ((0.424207, -0.4983646, -0.5802981, 0.4847012), (4062.2271, 663.2477, 1528.3970)),
        ((0.6503354, -0.7481602, -0.0919284, 0.0941766), (844.8131, -3805.2092, 1504.9929)),
        ((0.0664734, -0.0690535, 0.7416416, -0.6639132), (-797.6738, 3916.3174, 1433.6602)),
    ),
}


def _camera(name: str, size: tuple[int, int], place: tuple[Quaternion, Point], lens: Lens | None = None) -> FieldCamera:
    orientation, translation_mm = place
    x, y, z = to_y_up(np.array(translation_mm) / 1000).tolist()
    return FieldCamera(name, *size, _quaternion_to_y_up(orientation), (x, y, z), lens)


H36M_CAMERAS = {
    subject: tuple(
        _camera(name, size, place, lens)
        for (name, (size, lens)), place in zip(_H36M_LENSES.items(), places, strict=True)
    )
    for subject, places in _H36M_PLACES.items()
}
"""The four cameras of each subject, in the order of the 2D files."""

HUMANEVA_CAMERAS = {
    f"{part}/{subject}": tuple(
        _camera(name, _HUMANEVA_SIZE, place) for name, place in zip(_HUMANEVA_CAMERAS, places, strict=True)
    )
    for subject, places in _HUMANEVA_PLACES.items()
    for part in ("Train", "Validate")
}
"""The three cameras of each subject; the part of the data set is half of a subject's name."""
