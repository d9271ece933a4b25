import Testing

@testable import PrismCore

@Suite struct NearestStringTests {
    @Test(arguments: [
        ("pentagn", "pentagon"), ("geomtery", "geometry"), ("phase21", "phase-2-1"), ("", "welch"), ("welsh", "welch"),
    ])
    func findsWhatWasMeant(typed: String, meant: String) {
        #expect(typed.nearest(among: ["pentagon", "geometry", "phase-2-1", "welch"]) == meant)
    }
}
